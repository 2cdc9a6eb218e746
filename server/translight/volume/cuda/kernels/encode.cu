// From a picture's colours to the words of a finished one (colour/output.py, colour/lookup.py).

// A table's value: straight pieces between nodes that are the leading bits of a float. NaN counts as the largest number.
__device__ __forceinline__ float look_up(const float2 *__restrict__ table, float x) {
    int bits = __float_as_int(x);
    bits = bits > FIRST_BITS ? bits : FIRST_BITS;
    bits = (bits < LAST_BITS ? bits : LAST_BITS) - FIRST_BITS;
    const float2 piece = table[bits >> SHIFT];
    return piece.x + (float)(bits & ((1 << SHIFT) - 1)) * FRACTION_SCALE * piece.y;
}

__device__ __forceinline__ u32 code_of(float value, float rounding) {
    const float code = fminf((value > 0.0f ? value : 0.0f) * composition.scale, composition.limit);
    return (u32)(int)(code + rounding);
}

// A half float's bits, rounded to nearest, ties to even, as volume/lanes.py's halve_four has them.
__device__ __forceinline__ u32 half_of(float value) {
    const float code = fminf((value > 0.0f ? value : 0.0f) * composition.scale, composition.limit);
    const u32 bits = (u32)__float_as_int(code);
    if (bits < (127u - 14u) << 23) return (u32)__float_as_int(code + 0.5f) - (126u << 23);
    return (bits + (bits >> 13 & 1u) + 0xfffu - ((127u - 15u) << 23)) >> 13;
}

// A finished pixel, one word or, of half floats, two, from another picture.
__device__ __forceinline__ void copy_pixel(const u32 *__restrict__ from, size_t pixel, u32 *__restrict__ out) {
    if (composition.shift == HALVES) {
        out[2 * pixel] = from[2 * pixel];
        out[2 * pixel + 1] = from[2 * pixel + 1];
    } else {
        out[pixel] = from[pixel];
    }
}

// Write a colour at (x, y) on the canvas. ``rounding`` is the composition's, in shared memory: of constant memory a warp
// reads one word at a time.
__device__ __forceinline__ void write_pixel(
    float3 c, int x, int y, size_t pixel, u32 *__restrict__ out, const float2 *__restrict__ direct, const float2 *__restrict__ decode,
    const float2 *__restrict__ encode, const float *rounding
) {
    if (composition.kind == TABLE) {
        c = make_float3(look_up(direct, c.x), look_up(direct, c.y), look_up(direct, c.z));
    } else if (composition.kind == MIXING) {
        const float r = look_up(decode, c.x), g = look_up(decode, c.y), b = look_up(decode, c.z);
        const float *m = composition.mixing;
        c.x = look_up(encode, m[0] * r + m[1] * g + m[2] * b);
        c.y = look_up(encode, m[3] * r + m[4] * g + m[5] * b);
        c.z = look_up(encode, m[6] * r + m[7] * g + m[8] * b);
    }
    if (composition.shift == HALVES) {
        out[2 * pixel] = half_of(c.x) | half_of(c.y) << 16;
        out[2 * pixel + 1] = half_of(c.z) | 0x3c00u << 16;
        return;
    }
    const float own = rounding[(y & 7) * 8 + (x & 7)];
    const int shift = composition.shift;
    const u32 red = code_of(c.x, own), green = code_of(c.y, own), blue = code_of(c.z, own);
    out[pixel] = red | green << shift | blue << (2 * shift) | composition.opaque;
}
