// Which splats are drawn by where their centres lie; render/clip.py has the conditions, flat, five numbers a half-space.

__device__ __forceinline__ bool kept(const float *__restrict__ clips, int first, int end, float x, float y, float z) {
    bool met = false;
    for (int k = first; k < end; ++k) {
        const float *side = clips + 5 * (size_t)k;
        met = met || side[0] * x + side[1] * y + side[2] * z + side[3] >= 0.0f;
        if (side[4] > 0.0f) {
            if (!met) return false;
            met = false;
        }
    }
    return true;
}
