// Relighting by a tint; render/tint.py has the curve, here one channel's of it.

__device__ __forceinline__ float tinted(float colour, const float *curve) {
    return curve[TINT_SIGN] * fminf(curve[TINT_SLOPE] * colour, curve[TINT_GAIN] * colour + curve[TINT_LIFT]);
}
