// The outer picture, made when the scene, its placement or the eye changes: linear floats on the canvas, and its words.

// A piece of wall, ``width`` by ``height`` pixels, whose first is ``first`` on the canvas: ``picture`` at each pixel.
// ``projected`` holds three planes of homogeneous coordinates, the columns' and then what the rows add.
extern "C" __global__ void __launch_bounds__(THREADS) sample_outer(
    const float *__restrict__ projected, const float4 *__restrict__ picture, int picture_width, int picture_height,
    int width, int height, int first, int canvas_width, float4 *__restrict__ outer
) {
    const int pixel = blockIdx.x * THREADS + threadIdx.x, x = pixel % width, y = pixel / width;
    if (y >= height) return;
    const float *columns = projected, *rows = projected + width;
    const int plane = width + height;
    const float inverse = 1.0f / (columns[2 * plane + x] + rows[2 * plane + y]);
    const float u = (columns[x] + rows[y]) * inverse, v = (columns[plane + x] + rows[plane + y]) * inverse;
    const float3 c = sample(picture, picture_width, picture_height, u, v);
    outer[first + (size_t)y * canvas_width + x] = make_float4(c.x, c.y, c.z, 1.0f);
}

extern "C" __global__ void __launch_bounds__(THREADS) encode_outer(
    const float4 *__restrict__ outer, int canvas_width, int pixels, const float2 *__restrict__ direct,
    const float2 *__restrict__ decode, const float2 *__restrict__ encode, u32 *__restrict__ encoded
) {
    const int pixel = blockIdx.x * THREADS + threadIdx.x;
    if (pixel >= pixels) return;
    const float4 c = outer[pixel];
    encoded[pixel] = word_of(
        make_float3(c.x, c.y, c.z), pixel % canvas_width, pixel / canvas_width, direct, decode, encode
    );
}
