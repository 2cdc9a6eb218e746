// A splat's outline, the ellipse on which its alpha equals the cut, and the tiles that it touches, row by row.
//
// alpha = 2^(log2_alpha − (p·dx + q·dy)² − (r·dy)²). Over dy, the right border slope·dy + √(reach − (r·dy)²)/p is
// concave with its top at dy = tip, and the left one mirrors it: over a row of pixel centres each is farthest out at
// its own tip, or at the end of the row nearer to it. An ellipse's part in a row being convex, no tile is named in vain.
//
// Projection counts with these functions and emission writes with them, compiled apart: so every operation is one
// that no compiler fuses or reorders, and both find the same tiles, to the last one.

struct Outline {
    float x, y;
    float r, reach, inverse_p, slope, tip, top, slack;
};

// What rounding may take from a border, in pixels; tiles named in vain cost a little, missing ones show.
constexpr float SLACK_PX = 0.02f;
constexpr float SLACK_RELATIVE = 1e-6f;

__device__ __forceinline__ Outline outline_of(float x, float y, float p, float q, float r, float log2_alpha) {
    Outline o;
    o.x = x;
    o.y = y;
    o.r = r;
    o.reach = fmaxf(__fsub_rn(log2_alpha, LOG2_ALPHA_CUT), 0.0f);
    o.inverse_p = __fdiv_rn(1.0f, p);
    o.slope = -__fmul_rn(q, o.inverse_p);
    const float root = __fsqrt_rn(o.reach);
    const float inverse_r = __fdiv_rn(1.0f, r);
    const float across = __fmul_rn(q, inverse_r);
    const float stretch = __fsqrt_rn(__fadd_rn(1.0f, __fmul_rn(across, across)));
    o.top = __fmul_rn(root, inverse_r);
    o.tip = -__fdiv_rn(__fmul_rn(o.top, across), stretch);
    const float wide = __fmul_rn(__fmul_rn(root, stretch), o.inverse_p);
    const float far = __fadd_rn(__fadd_rn(fabsf(x), fabsf(y)), __fadd_rn(wide, o.top));
    o.slack = __fadd_rn(SLACK_PX, __fmul_rn(SLACK_RELATIVE, far));
    o.top = __fadd_rn(o.top, o.slack);
    return o;
}

// First and last row of pixels whose centres it can reach, within a picture; the first is greater where there is none.
__device__ __forceinline__ void pixel_rows(const Outline &o, float height, int &first, int &last) {
    const float centre = __fsub_rn(o.y, 0.5f);
    first = (int)fminf(fmaxf(ceilf(__fsub_rn(centre, o.top)), 0.0f), height);
    last = (int)fminf(fmaxf(floorf(__fadd_rn(centre, o.top)), -1.0f), __fsub_rn(height, 1.0f));
}

// First and last column of pixels whose centres it can reach in a row of tiles, within a picture.
__device__ __forceinline__ void pixel_columns(const Outline &o, int tile_row, float width, int &first, int &last) {
    const float upper = __fsub_rn((float)(tile_row * TILE_PX) + 0.5f, o.y);
    const float lower = fminf(__fadd_rn(upper, (float)(TILE_PX - 1)), o.top);
    const float begin = fmaxf(upper, -o.top);
    const float at_right = fminf(fmaxf(o.tip, begin), lower);
    const float at_left = fminf(fmaxf(-o.tip, begin), lower);
    const float v_right = __fmul_rn(o.r, at_right), v_left = __fmul_rn(o.r, at_left);
    const float half_right = __fsqrt_rn(fmaxf(__fsub_rn(o.reach, __fmul_rn(v_right, v_right)), 0.0f));
    const float half_left = __fsqrt_rn(fmaxf(__fsub_rn(o.reach, __fmul_rn(v_left, v_left)), 0.0f));
    const float centre = __fsub_rn(o.x, 0.5f);
    float right = __fadd_rn(__fmul_rn(o.slope, at_right), __fmul_rn(half_right, o.inverse_p));
    float left = __fsub_rn(__fmul_rn(o.slope, at_left), __fmul_rn(half_left, o.inverse_p));
    right = __fadd_rn(__fadd_rn(centre, right), o.slack);
    left = __fsub_rn(__fadd_rn(centre, left), o.slack);
    first = (int)fminf(fmaxf(ceilf(left), 0.0f), width);
    last = (int)fminf(fmaxf(floorf(right), -1.0f), __fsub_rn(width, 1.0f));
    if (begin > lower) last = first - 1;
}

// How many tiles it touches in a view.
__device__ __forceinline__ u32 count_tiles(const Outline &o, const View &view) {
    int top, bottom;
    pixel_rows(o, view.height, top, bottom);
    u32 count = 0;
    if (top > bottom) return count;
    for (int row = top / TILE_PX; row <= bottom / TILE_PX; ++row) {
        int left, right;
        pixel_columns(o, row, view.width, left, right);
        if (left <= right) count += right / TILE_PX - left / TILE_PX + 1;
    }
    return count;
}
