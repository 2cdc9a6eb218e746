// Reading a picture between its pixels: a piecewise cubic over 4×4 of them (volume/sampling.py).

__device__ __forceinline__ void cubic_weights(float fraction, float *weights) {
    const float *t = composition.filter;
    for (int k = 0; k < 4; ++k) {
        weights[k] = ((t[k] * fraction + t[4 + k]) * fraction + t[8 + k]) * fraction + t[12 + k];
    }
}

// A picture of at least 4×4 pixels at (u, v), moved inwards to where the filter stays within it.
__device__ __forceinline__ float3 sample(const float4 *__restrict__ picture, int width, int height, float u, float v) {
    const float x = fminf(fmaxf(u - 0.5f, 1.0f), (float)width - 2.001f);
    const float y = fminf(fmaxf(v - 0.5f, 1.0f), (float)height - 2.001f);
    const int column = (int)x, row = (int)y;
    float across[4], down[4];
    cubic_weights(x - (float)column, across);
    cubic_weights(y - (float)row, down);
    float3 total = make_float3(0.0f, 0.0f, 0.0f);
    for (int j = 0; j < 4; ++j) {
        const float4 *line = picture + (size_t)(row - 1 + j) * width + (column - 1);
        float3 sum = make_float3(0.0f, 0.0f, 0.0f);
        for (int i = 0; i < 4; ++i) {
            const float4 pixel = line[i];
            sum.x += across[i] * pixel.x;
            sum.y += across[i] * pixel.y;
            sum.z += across[i] * pixel.z;
        }
        total.x += down[j] * sum.x;
        total.y += down[j] * sum.y;
        total.z += down[j] * sum.z;
    }
    return total;
}
