// The outer picture's words, made when it or the colour changes.

extern "C" __global__ void __launch_bounds__(THREADS) encode_outer(
    const float4 *__restrict__ outer, int canvas_width, int pixels, const float2 *__restrict__ direct,
    const float2 *__restrict__ decode, const float2 *__restrict__ encode, u32 *__restrict__ encoded
) {
    const int pixel = blockIdx.x * THREADS + threadIdx.x;
    if (pixel >= pixels) return;
    const float4 c = outer[pixel];
    const int x = pixel % canvas_width, y = pixel / canvas_width;
    write_pixel(make_float3(c.x, c.y, c.z), x, y, pixel, encoded, direct, decode, encode, composition.rounding);
}
