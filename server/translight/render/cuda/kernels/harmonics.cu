// Colours from spherical harmonics; render/sh.py has the basis and its constants.

// Coefficients past the constant one, plane by plane: two halves to a word, or a float where halves would show.
template <bool HALF>
__device__ __forceinline__ float coefficient(const u32 *__restrict__ rest, int stride, int i, int k) {
    if (HALF) {
        const u32 pair = rest[(size_t)(k >> 1) * stride + i];
        return float_from_half((u16)(k & 1 ? pair >> 16 : pair & 0xffffu));
    }
    return __uint_as_float(rest[(size_t)k * stride + i]);
}

template <bool HALF>
__device__ __forceinline__ void add_harmonic(
    const u32 *__restrict__ rest, int stride, int i, int harmonic, float value, float3 &colour
) {
    colour.x += value * coefficient<HALF>(rest, stride, i, 3 * harmonic);
    colour.y += value * coefficient<HALF>(rest, stride, i, 3 * harmonic + 1);
    colour.z += value * coefficient<HALF>(rest, stride, i, 3 * harmonic + 2);
}

// What an eye sees of splat i, (x, y, z) being the vector to it. ``base`` holds three planes of constant terms.
template <bool HALF>
__device__ __forceinline__ float3 colour_of(
    const float *__restrict__ base, const u32 *__restrict__ rest, int stride, int i, int degree, float x, float y, float z
) {
    float3 c;
    c.x = SH_0 * base[i] + SH_OFFSET;
    c.y = SH_0 * base[(size_t)stride + i] + SH_OFFSET;
    c.z = SH_0 * base[2 * (size_t)stride + i] + SH_OFFSET;
    if (degree > 0) {
        const float inverse = __fdiv_rn(1.0f, __fsqrt_rn(x * x + y * y + z * z));
        x *= inverse, y *= inverse, z *= inverse;
        add_harmonic<HALF>(rest, stride, i, 0, -SH_1 * y, c);
        add_harmonic<HALF>(rest, stride, i, 1, SH_1 * z, c);
        add_harmonic<HALF>(rest, stride, i, 2, -SH_1 * x, c);
    }
    const float xx = x * x, yy = y * y, zz = z * z;
    if (degree > 1) {
        add_harmonic<HALF>(rest, stride, i, 3, SH_2A * x * y, c);
        add_harmonic<HALF>(rest, stride, i, 4, -SH_2A * y * z, c);
        add_harmonic<HALF>(rest, stride, i, 5, SH_2B * (2.0f * zz - xx - yy), c);
        add_harmonic<HALF>(rest, stride, i, 6, -SH_2A * x * z, c);
        add_harmonic<HALF>(rest, stride, i, 7, SH_2C * (xx - yy), c);
    }
    if (degree > 2) {
        add_harmonic<HALF>(rest, stride, i, 8, -SH_3A * y * (3.0f * xx - yy), c);
        add_harmonic<HALF>(rest, stride, i, 9, SH_3B * x * y * z, c);
        add_harmonic<HALF>(rest, stride, i, 10, -SH_3C * y * (4.0f * zz - xx - yy), c);
        add_harmonic<HALF>(rest, stride, i, 11, SH_3D * z * (2.0f * zz - 3.0f * xx - 3.0f * yy), c);
        add_harmonic<HALF>(rest, stride, i, 12, -SH_3C * x * (4.0f * zz - xx - yy), c);
        add_harmonic<HALF>(rest, stride, i, 13, SH_3E * z * (xx - yy), c);
        add_harmonic<HALF>(rest, stride, i, 14, -SH_3A * x * (xx - 3.0f * yy), c);
    }
    c.x = fmaxf(c.x, 0.0f), c.y = fmaxf(c.y, 0.0f), c.z = fmaxf(c.z, 0.0f);
    return c;
}
