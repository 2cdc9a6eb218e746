// The sky behind the splats, in its tint; render/sky.py says what a pixel sees.

__device__ __forceinline__ float3 sky_at(
    const float4 *__restrict__ sky, int sky_width, int sky_height, const View &view, int column, int row
) {
    const float across = ((float)column + 0.5f - view.cx) / view.fx, down = ((float)row + 0.5f - view.cy) / view.fy;
    const float *r = view.stage_rotation;
    const float x = r[0] * across + r[1] * down + r[2];
    const float y = r[3] * across + r[4] * down + r[5];
    const float z = r[6] * across + r[7] * down + r[8];
    const float u = (atan2f(x, y) * INVERSE_TURN + 0.5f) * sky_width - 0.5f;
    const float v = (0.5f - atan2f(z, sqrtf(x * x + y * y)) * (2.0f * INVERSE_TURN)) * sky_height - 0.5f;
    const float inside = fminf(fmaxf(v, 0.0f), (float)(sky_height - 1));
    const float left = floorf(u), top = floorf(inside);
    const float to_right = u - left, to_bottom = inside - top;
    int x0 = (int)left;
    if (x0 < 0) x0 += sky_width;
    if (x0 >= sky_width) x0 -= sky_width;
    const int x1 = x0 + 1 < sky_width ? x0 + 1 : 0;
    const int y0 = (int)top, y1 = y0 + 1 < sky_height ? y0 + 1 : y0;
    const float4 a = sky[y0 * sky_width + x0], b = sky[y0 * sky_width + x1];
    const float4 c = sky[y1 * sky_width + x0], d = sky[y1 * sky_width + x1];
    const float wa = (1.0f - to_right) * (1.0f - to_bottom), wb = to_right * (1.0f - to_bottom);
    const float wc = (1.0f - to_right) * to_bottom, wd = to_right * to_bottom;
    const float red = wa * a.x + wb * b.x + wc * c.x + wd * d.x;
    const float green = wa * a.y + wb * b.y + wc * c.y + wd * d.y;
    const float blue = wa * a.z + wb * b.z + wc * c.z + wd * d.z;
    const float *tint = frame.sky_tint;
    return make_float3(tinted(red, tint), tinted(green, tint + 1), tinted(blue, tint + 2));
}
