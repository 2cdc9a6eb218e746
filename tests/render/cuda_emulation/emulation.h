// CUDA's execution model on one CPU thread, for tests: the kernels' own sources are compiled after this header.
//
// The threads of a block are fibers. One runs until a barrier or a warp operation and goes on when all that take part
// have come there: at the same line, for a barrier that some threads reach elsewhere, or not at all, is an error here,
// as are accesses outside a buffer (which ends at a page that may not be touched) and undefined behaviour (compiled
// with traps). Shared memory and new buffers are poisoned. Blocks, warps and lanes run in an order that is given, so
// that what depends on it shows.

#include <algorithm>
#include <cmath>
#include <csetjmp>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <random>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include <vector>

#define TRANSLIGHT_EMULATION
#define __device__
#define __global__
#define __constant__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ static __attribute__((section("cuda_shared")))

struct alignas(8) float2 { float x, y; };
struct float3 { float x, y, z; };
struct alignas(16) float4 { float x, y, z, w; };
struct uint3 { unsigned x, y, z; };
static inline float3 make_float3(float x, float y, float z) { return {x, y, z}; }
struct alignas(8) uint2 { unsigned x, y; };
static inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
static inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }

static uint3 threadIdx, blockIdx, blockDim, gridDim;

namespace emulation {

enum State { READY, AT_WARP, AT_BARRIER, DONE };
constexpr int MOST_THREADS = 1024;
constexpr size_t STACK = 128 << 10;

struct Fiber {
    ucontext_t context;
    jmp_buf resume;
    char *stack = nullptr;
    bool begun = false;
    State state = DONE;
    int line = 0;
    unsigned operations = 0;
    int vote = 0;
};

static Fiber fibers[MOST_THREADS];
static uint64_t exchanged[MOST_THREADS][2];
static int running, votes;
static jmp_buf scheduler;
static sigjmp_buf fault;
static char message[400];
static void (*body)(void *);
static void *body_arguments;

[[gnu::noinline]] static void wait(State state, int line) {
    Fiber &self = fibers[running];
    self.state = state;
    self.line = line;
    if (_setjmp(self.resume) == 0) _longjmp(scheduler, 1);
}

static void fiber_main() {
    for (;;) {
        body(body_arguments);
        wait(DONE, 0);
    }
}

[[gnu::noinline]] static void run(int thread) {
    Fiber &fiber = fibers[thread];
    running = thread;
    threadIdx.x = thread;
    if (_setjmp(scheduler) != 0) return;
    if (fiber.begun) _longjmp(fiber.resume, 1);
    if (fiber.stack == nullptr) fiber.stack = static_cast<char *>(malloc(STACK));
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack;
    fiber.context.uc_stack.ss_size = STACK;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, fiber_main, 0);
    fiber.begun = true;
    setcontext(&fiber.context);
}

// What each lane of the calling warp gave to this operation, after all have come to it.
static const uint64_t (*exchange(uint64_t value, unsigned mask, int line, unsigned &parity))[2] {
    if (mask != 0xffffffffu) {
        snprintf(message, sizeof message, "line %d: a warp operation without all lanes is not emulated", line);
        siglongjmp(fault, 2);
    }
    parity = fibers[running].operations++ & 1;
    exchanged[running][parity] = value;
    wait(AT_WARP, line);
    return exchanged + running / 32 * 32;
}

static unsigned vote(bool yes, unsigned mask, int line) {
    unsigned parity, found = 0;
    auto all = exchange(yes, mask, line, parity);
    for (int lane = 0; lane < 32; ++lane) found |= unsigned(all[lane][parity] != 0) << lane;
    return found;
}

template <typename T>
static T shuffle(T value, int from, unsigned mask, int line) {
    static_assert(sizeof(T) == 4);
    unsigned parity;
    uint32_t bits, other;
    memcpy(&bits, &value, 4);
    auto all = exchange(bits, mask, line, parity);
    other = uint32_t(all[from & 31][parity]);
    memcpy(&value, &other, 4);
    return value;
}

static unsigned match(uint32_t value, unsigned mask, int line) {
    unsigned parity, found = 0;
    auto all = exchange(value, mask, line, parity);
    for (int lane = 0; lane < 32; ++lane) found |= unsigned(uint32_t(all[lane][parity]) == value) << lane;
    return found;
}

static int barrier(int yes, int line) {
    fibers[running].vote = yes;
    wait(AT_BARRIER, line);
    return votes;
}

extern "C" char __start_cuda_shared[] __attribute__((weak)), __stop_cuda_shared[] __attribute__((weak));

// Run threads [first, first + 32) until each waits at a barrier or is done; false where they part ways.
static bool run_warp(int first, const int *lanes) {
    for (;;) {
        for (int k = 0; k < 32; ++k) {
            if (fibers[first + lanes[k]].state == READY) run(first + lanes[k]);
        }
        int waiting = 0, line = 0;
        for (int k = 0; k < 32; ++k) {
            const Fiber &fiber = fibers[first + k];
            if (fiber.state != AT_WARP) continue;
            if (waiting++ == 0) line = fiber.line;
            if (fiber.line != line) {
                snprintf(message, sizeof message, "block %u: lanes of warp %d are at lines %d and %d at once",
                         blockIdx.x, first / 32, line, fiber.line);
                return false;
            }
        }
        if (waiting == 0) return true;
        if (waiting < 32) {
            snprintf(message, sizeof message, "block %u: %d lanes of warp %d never come to the warp operation of line %d",
                     blockIdx.x, 32 - waiting, first / 32, line);
            return false;
        }
        for (int k = 0; k < 32; ++k) fibers[first + k].state = READY;
    }
}

static bool run_block(int threads, const std::vector<int> &warps, const int *lanes) {
    if (__start_cuda_shared) memset(__start_cuda_shared, 0xcb, __stop_cuda_shared - __start_cuda_shared);
    for (int t = 0; t < threads; ++t) fibers[t].state = READY, fibers[t].operations = 0;
    for (;;) {
        for (int warp : warps) {
            if (!run_warp(warp * 32, lanes)) return false;
        }
        int waiting = 0, line = 0;
        votes = 0;
        for (int t = 0; t < threads; ++t) {
            if (fibers[t].state != AT_BARRIER) continue;
            if (waiting++ == 0) line = fibers[t].line;
            votes += fibers[t].vote != 0;
            if (fibers[t].line != line) {
                snprintf(message, sizeof message, "block %u: threads are at the barriers of lines %d and %d at once",
                         blockIdx.x, line, fibers[t].line);
                return false;
            }
        }
        if (waiting == 0) return true;
        if (waiting < threads) {
            snprintf(message, sizeof message, "block %u: %d threads never come to the barrier of line %d",
                     blockIdx.x, threads - waiting, line);
            return false;
        }
        for (int t = 0; t < threads; ++t) fibers[t].state = READY;
    }
}

static void on_fault(int number) { siglongjmp(fault, number == SIGILL ? 3 : 1); }

struct Call {
    void *kernel;
    uint64_t argument[16];
};

static void call(void *pointer) {
    const Call &c = *static_cast<Call *>(pointer);
    const uint64_t *a = c.argument;
    using Kernel = void (*)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                            uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
    reinterpret_cast<Kernel>(c.kernel)(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11], a[12],
                                       a[13], a[14], a[15]);
}

}  // namespace emulation

// Kernels take pointers and integers alone, each of which fills one 64-bit place of the C calling convention.
// ``order``: 0 forwards, 1 backwards, else the seed of a shuffle. Returns null, or what went wrong.
extern "C" const char *emulate(void *kernel, unsigned blocks, int threads, const uint64_t *arguments, int count, int order) {
    using namespace emulation;
    Call c = {kernel, {}};
    std::copy(arguments, arguments + count, c.argument);
    body = call;
    body_arguments = &c;
    gridDim = {blocks, 1, 1};
    blockDim = {unsigned(threads), 1, 1};
    threadIdx = {0, 0, 0};
    std::vector<unsigned> turns(blocks);
    std::vector<int> warps(threads / 32);
    int lanes[32];
    std::iota(turns.begin(), turns.end(), 0u);
    std::iota(warps.begin(), warps.end(), 0);
    std::iota(lanes, lanes + 32, 0);
    if (order == 1) {
        std::reverse(turns.begin(), turns.end());
        std::reverse(warps.begin(), warps.end());
        std::reverse(lanes, lanes + 32);
    } else if (order > 1) {
        std::mt19937 random(order);
        std::shuffle(turns.begin(), turns.end(), random);
        std::shuffle(warps.begin(), warps.end(), random);
        std::shuffle(lanes, lanes + 32, random);
    }
    struct sigaction ours = {}, before[3];
    const int signals[3] = {SIGSEGV, SIGBUS, SIGILL};
    ours.sa_handler = on_fault;
    ours.sa_flags = SA_NODEFER;
    for (int k = 0; k < 3; ++k) sigaction(signals[k], &ours, &before[k]);
    bool good = true;
    const int caught = sigsetjmp(fault, 1);
    if (caught == 0) {
        for (size_t k = 0; k < turns.size() && good; ++k) {
            blockIdx = {turns[k], 0, 0};
            good = run_block(threads, warps, lanes);
        }
    } else {
        good = false;
        if (caught != 2) {
            snprintf(message, sizeof message, "block %u, thread %u: %s", blockIdx.x, threadIdx.x,
                     caught == 3 ? "undefined behaviour" : "an access outside of every buffer");
        }
    }
    for (int k = 0; k < 3; ++k) sigaction(signals[k], &before[k], nullptr);
    if (good) return nullptr;
    for (Fiber &fiber : fibers) fiber.begun = false;
    return message;
}

// Poisoned memory of ``bytes``, between megabytes that may not be touched: behind its last byte, and before its first,
// after less than a page that is not its own.
constexpr size_t GUARD = 1 << 20;

extern "C" void *emulate_allocate(size_t bytes) {
    const size_t page = sysconf(_SC_PAGESIZE), whole = (bytes + page - 1) / page * page;
    char *base = static_cast<char *>(mmap(nullptr, whole + 2 * GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (base == MAP_FAILED || mprotect(base + GUARD, whole, PROT_READ | PROT_WRITE) != 0) return nullptr;
    memset(base + GUARD, 0xcb, whole);
    return base + GUARD + (whole - bytes) / 16 * 16;
}

extern "C" void emulate_free(void *pointer, size_t bytes) {
    const size_t page = sysconf(_SC_PAGESIZE), whole = (bytes + page - 1) / page * page;
    munmap(reinterpret_cast<char *>(reinterpret_cast<uintptr_t>(pointer) / page * page) - GUARD, whole + 2 * GUARD);
}

#define __syncthreads() emulation::barrier(0, __LINE__)
#define __syncthreads_count(yes) emulation::barrier((yes) ? 1 : 0, __LINE__)
#define __syncwarp() emulation::vote(true, 0xffffffffu, __LINE__)
#define __ballot_sync(mask, yes) emulation::vote((yes), (mask), __LINE__)
#define __any_sync(mask, yes) (emulation::vote((yes), (mask), __LINE__) != 0)
#define __all_sync(mask, yes) (emulation::vote((yes), (mask), __LINE__) == 0xffffffffu)
#define __match_any_sync(mask, value) emulation::match((value), (mask), __LINE__)
#define __shfl_sync(mask, value, from) emulation::shuffle((value), (from), (mask), __LINE__)
#define __shfl_up_sync(mask, value, step) \
    emulation::shuffle((value), int(threadIdx.x & 31) - int(step) < 0 ? int(threadIdx.x & 31) : int(threadIdx.x & 31) - int(step), (mask), __LINE__)

static inline int __popc(unsigned x) { return __builtin_popcount(x); }
static inline int __ffs(int x) { return __builtin_ffs(x); }
static inline unsigned atomicAdd(unsigned *at, unsigned x) {
    const unsigned before = *at;
    *at += x;
    return before;
}
static inline float __uint_as_float(unsigned x) {
    float y;
    memcpy(&y, &x, 4);
    return y;
}
static inline float __int_as_float(int x) { return __uint_as_float(unsigned(x)); }
static inline int __float_as_int(float x) {
    int y;
    memcpy(&y, &x, 4);
    return y;
}
static inline unsigned __float_as_uint(float x) {
    unsigned y;
    memcpy(&y, &x, 4);
    return y;
}

// Rounded results that the compiler may fuse with nothing, as CUDA's intrinsics of these names; it may fuse the rest.
#if defined(__x86_64__)
#define ALONE(x) asm volatile("" : "+x"(x))
#else
#define ALONE(x) asm volatile("" : "+w"(x))
#endif
#define ROUNDED(name, operation) \
    static inline float name(float a, float b) { \
        float r = a operation b; \
        ALONE(r); \
        return r; \
    }
ROUNDED(__fadd_rn, +)
ROUNDED(__fsub_rn, -)
ROUNDED(__fmul_rn, *)
ROUNDED(__fdiv_rn, /)
static inline float __fsqrt_rn(float x) {
    float r = sqrtf(x);
    ALONE(r);
    return r;
}

static inline float power_of_two(float x) { return exp2f(x); }
static inline float rough_root(float x) { return sqrtf(x); }
static inline float float_from_half(unsigned short bits) {
    const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
    const float size = exponent == 31 ? (mantissa ? NAN : INFINITY)
                     : exponent == 0  ? ldexpf(float(mantissa), -24)
                                      : ldexpf(float(mantissa + 1024), exponent - 25);
    return bits >> 15 ? -size : size;
}
