// The inner picture over the outer one, a block a tile of the canvas (volume/surfaces.py).

// Homogeneous places in the inner picture of all walls' columns, and what rows, from number ``columns`` on, add to them.
extern "C" __global__ void __launch_bounds__(THREADS) project_surfaces(
    const double *__restrict__ points, int columns, int count, float *__restrict__ projected
) {
    const int i = blockIdx.x * THREADS + threadIdx.x;
    if (i >= count) return;
    const double x = points[3 * i], y = points[3 * i + 1], z = points[3 * i + 2];
    for (int k = 0; k < 3; ++k) {
        const double *m = composition.matrix + 3 * k;
        const double sum = m[0] * x + m[1] * y + m[2] * z;
        projected[(size_t)k * count + i] = (float)(i < columns ? sum + composition.offset[k] : sum);
    }
}

// The inner picture's weight at (u, v) of it: 0 outside and behind the camera, smoothly up to 1 over the feather.
__device__ __forceinline__ float weight_of(float u, float v, float depth_m) {
    const float width = (float)composition.width, height = (float)composition.height;
    const float across = fminf(u, width - u) / (composition.feather * width);
    const float down = fminf(v, height - v) / (composition.feather * height);
    float t = fminf(fmaxf(fminf(across, down), 0.0f), 1.0f);
    if (!(depth_m > composition.near_m)) t = 0.0f;
    return t * t * (3.0f - 2.0f * t);
}

extern "C" __global__ void __launch_bounds__(THREADS, 4) composite(
    const int *__restrict__ tiles, const double *__restrict__ spheres, const float *__restrict__ projected, int columns,
    int count, const float4 *__restrict__ picture, const float4 *__restrict__ outer, const u32 *__restrict__ encoded,
    const float2 *__restrict__ direct, const float2 *__restrict__ decode, const float2 *__restrict__ encode,
    int canvas_width, u32 *__restrict__ out
) {
    __shared__ float rounding[64];
    if (threadIdx.x < 64) rounding[threadIdx.x] = composition.rounding[threadIdx.x];
    __syncthreads();
    const int *tile = tiles + 6 * blockIdx.x;
    const int left = tile[0], top = tile[1], width = tile[2], height = tile[3], column = tile[4], row = tile[5];
    // A lane a half-space, against the tile's bounding sphere.
    const int lane = threadIdx.x & 31;
    const double *sphere = spheres + 4 * blockIdx.x, *plane = composition.planes + 4 * (lane < 10 ? lane : 0);
    const double distance = plane[0] * sphere[0] + plane[1] * sphere[1] + plane[2] * sphere[2] + plane[3];
    const bool shows = __ballot_sync(ALL_LANES, lane < 5 && distance < -sphere[3]) == 0 && column >= 0;
    const bool alone = __ballot_sync(ALL_LANES, lane >= 5 && lane < 10 && distance < sphere[3]) == 0;
    for (int k = threadIdx.x; k < width * height; k += THREADS) {
        const int x = k % width, y = k / width;
        const size_t pixel = (size_t)(top + y) * canvas_width + left + x;
        if (!shows) {
            copy_pixel(encoded, pixel, out);
            continue;
        }
        const int across = column + x, down = columns + row + y;
        const float depth_m = projected[2 * (size_t)count + across] + projected[2 * (size_t)count + down];
        const float inverse = 1.0f / depth_m;
        const float u = (projected[across] + projected[down]) * inverse;
        const float v = (projected[(size_t)count + across] + projected[(size_t)count + down]) * inverse;
        const float weight = alone ? 1.0f : weight_of(u, v, depth_m);
        if (!(weight > 0.0f)) {
            copy_pixel(encoded, pixel, out);
            continue;
        }
        float3 c = sample(picture, composition.width, composition.height, u, v);
        if (!alone) {
            const float4 behind = outer[pixel];
            c.x = behind.x + weight * (c.x - behind.x);
            c.y = behind.y + weight * (c.y - behind.y);
            c.z = behind.z + weight * (c.z - behind.z);
        }
        write_pixel(c, left + x, top + y, pixel, out, direct, decode, encode, rounding);
    }
}
