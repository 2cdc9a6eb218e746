// Types, and the few instructions that CUDA C++ has no portable name for; an emulator of the host defines its own.

typedef unsigned int u32;
typedef unsigned short u16;
typedef unsigned long long u64;

constexpr u32 ALL_LANES = 0xffffffffu;
// The key of what is not drawn; no float that is a distance has these bits, nor has a tile this number.
constexpr u32 NOTHING = 0xffffffffu;

#ifndef TRANSLIGHT_EMULATION
// 2^x by the special function unit: 2 ulp, and 0 below 2^-126.
__device__ __forceinline__ float power_of_two(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

// √x to about 1e-6 of its value, for bounds that are widened by more.
__device__ __forceinline__ float rough_root(float x) {
    float y;
    asm("sqrt.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

// The float of a half's 16 bits, without cuda_fp16.h, which a user's machine need not have.
__device__ __forceinline__ float float_from_half(u16 bits) {
    float y;
    asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(bits));
    return y;
}
#endif

__device__ __forceinline__ u32 lanes_below(int lane) { return (1u << lane) - 1u; }
