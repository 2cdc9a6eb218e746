// Blending: a block a tile, a thread a pixel, each tile's splats front to back (Kerbl et al. 2023, eq. 3).
//
// Splats are staged in shared memory, a batch at a time. Each warp has 8×4 pixels of its own: its lanes test 32 splats
// at once against them, and it blends those that touch. A warp whose pixels have all ended tests and blends no more; a
// block whose warps have, ends.

// Which depth is drawn; render/contract.py's kinds.
enum Depth { EXPECTED, MEDIAN, NONE };

struct Staged {
    float4 first, second, colour;
};

// Whether an outline can touch pixel centres of the 8×4 from (left, top) on; outline.cu has the argument.
__device__ __forceinline__ bool touches(
    float x, float y, float r, float reach, float inverse_p, float slope, float tip, float vertical, float slack,
    float left, float top
) {
    const float upper = fmaxf(top - y, -vertical), lower = fminf(top + (WARP_ROWS - 1) - y, vertical);
    const float at_right = fminf(fmaxf(tip, upper), lower), at_left = fminf(fmaxf(-tip, upper), lower);
    const float v_right = r * at_right, v_left = r * at_left;
    const float to_right = slope * at_right + rough_root(fmaxf(reach - v_right * v_right, 0.0f)) * inverse_p;
    const float to_left = slope * at_left - rough_root(fmaxf(reach - v_left * v_left, 0.0f)) * inverse_p;
    return upper <= lower && x + to_right + slack >= left && x + to_left - slack <= left + (WARP_COLUMNS - 1);
}

template <Depth KIND>
__device__ __forceinline__ void blend_tile(
    const u32 *__restrict__ starts, const u32 *__restrict__ splats, const float4 *__restrict__ shapes,
    const float4 *__restrict__ colours, int stride, const float4 *__restrict__ sky, int sky_width, int sky_height,
    float4 *__restrict__ rgba, float *__restrict__ depths
) {
    // One array for what is read splat by splat: sm_90 computes an address anew for each it is told of.
    __shared__ Staged staged[THREADS];
    __shared__ float reaches[THREADS], inverses[THREADS], slopes[THREADS], tips[THREADS], tops[THREADS], slacks[THREADS];
    int v = 0;
    while (v + 1 < frame.views && (int)blockIdx.x >= frame.view[v + 1].first_tile) ++v;
    const View &view = frame.view[v];
    const int tile = blockIdx.x - view.first_tile;
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const int left = tile % view.columns * TILE_PX + warp % (TILE_PX / WARP_COLUMNS) * WARP_COLUMNS;
    const int top = tile / view.columns * TILE_PX + warp / (TILE_PX / WARP_COLUMNS) * WARP_ROWS;
    const int x = left + lane % WARP_COLUMNS, y = top + lane / WARP_COLUMNS;
    const float px = (float)x + 0.5f, py = (float)y + 0.5f;
    const float own_left = (float)left + 0.5f, own_top = (float)top + 0.5f;
    shapes += 2 * (size_t)v * stride;

    const float never = __int_as_float(0x7f800000);
    // What a splat's power must reach to be drawn; infinite for a pixel that has ended, or is none.
    float least = x < (int)view.width && y < (int)view.height ? LOG2_ALPHA_CUT : never;
    float transmittance = 1.0f, red = 0.0f, green = 0.0f, blue = 0.0f, depth = KIND == MEDIAN ? never : 0.0f;
    const u32 end = starts[blockIdx.x + 1];
    for (u32 begin = starts[blockIdx.x]; begin < end; begin += THREADS) {
        if (__syncthreads_count(least < never) == 0) break;
        const int count = end - begin < THREADS ? (int)(end - begin) : THREADS;
        if ((int)threadIdx.x < count) {
            const u32 i = splats[begin + threadIdx.x];
            const float4 first = shapes[2 * (size_t)i], second = shapes[2 * (size_t)i + 1];
            const Outline o = outline_of(first.x, first.y, first.z, first.w, second.x, second.y);
            staged[threadIdx.x].first = first;
            staged[threadIdx.x].second = second;
            staged[threadIdx.x].colour = colours[i];
            reaches[threadIdx.x] = o.reach;
            inverses[threadIdx.x] = o.inverse_p;
            slopes[threadIdx.x] = o.slope;
            tips[threadIdx.x] = o.tip;
            tops[threadIdx.x] = o.top;
            slacks[threadIdx.x] = o.slack;
        }
        __syncthreads();
        for (int chunk = 0; chunk < count; chunk += 32) {
            if (!__any_sync(ALL_LANES, least < never)) break;
            const int s = chunk + lane;
            const bool touched = s < count && touches(
                staged[s].first.x, staged[s].first.y, staged[s].second.x, reaches[s], inverses[s], slopes[s], tips[s],
                tops[s], slacks[s], own_left, own_top
            );
            for (u32 listed = __ballot_sync(ALL_LANES, touched); listed != 0; listed &= listed - 1) {
                const Staged &splat = staged[chunk + __ffs(listed) - 1];
                const float4 first = splat.first, second = splat.second, colour = splat.colour;
                const float dx = px - first.x, dy = py - first.y;
                const float across = first.z * dx + first.w * dy, down = second.x * dy;
                const float power = second.y - across * across - down * down;
                // Without a branch: some lane draws nearly every splat that is listed.
                float weight = transmittance * fminf(ALPHA_MAX, power_of_two(power));
                const float after = transmittance - weight;
                const bool drawn = power >= least, last = after <= TRANSMITTANCE_STOP;
                if (drawn && last) least = never;
                weight = drawn && !last ? weight : 0.0f;
                const float before = transmittance;
                transmittance -= weight;
                red += weight * colour.x;
                green += weight * colour.y;
                blue += weight * colour.z;
                if (KIND == EXPECTED) depth += weight * second.z;
                if (KIND == MEDIAN && before > HALF_LIGHT && transmittance <= HALF_LIGHT) depth = second.z;
            }
        }
    }
    if (px >= view.width || py >= view.height) return;
    const int column = (int)px, row = (int)py;  // found again, to keep two registers free in the loop
    const float coverage = 1.0f - transmittance;
    if (sky_width > 0) {
        const float3 behind = sky_at(sky, sky_width, sky_height, view, column, row);
        red += transmittance * behind.x;
        green += transmittance * behind.y;
        blue += transmittance * behind.z;
    }
    const size_t pixel = view.first_pixel + (size_t)row * (int)view.width + column;
    rgba[pixel] = make_float4(red, green, blue, coverage);
    if (KIND == EXPECTED) depths[pixel] = coverage > 0.0f ? depth / coverage : never;
    if (KIND == MEDIAN) depths[pixel] = depth;
}

extern "C" __global__ void __launch_bounds__(THREADS) blend_expected(
    const u32 *__restrict__ starts, const u32 *__restrict__ splats, const float4 *__restrict__ shapes,
    const float4 *__restrict__ colours, int stride, const float4 *__restrict__ sky, int sky_width, int sky_height,
    float4 *__restrict__ rgba, float *__restrict__ depths
) {
    blend_tile<EXPECTED>(starts, splats, shapes, colours, stride, sky, sky_width, sky_height, rgba, depths);
}

extern "C" __global__ void __launch_bounds__(THREADS) blend_median(
    const u32 *__restrict__ starts, const u32 *__restrict__ splats, const float4 *__restrict__ shapes,
    const float4 *__restrict__ colours, int stride, const float4 *__restrict__ sky, int sky_width, int sky_height,
    float4 *__restrict__ rgba, float *__restrict__ depths
) {
    blend_tile<MEDIAN>(starts, splats, shapes, colours, stride, sky, sky_width, sky_height, rgba, depths);
}

extern "C" __global__ void __launch_bounds__(THREADS) blend_none(
    const u32 *__restrict__ starts, const u32 *__restrict__ splats, const float4 *__restrict__ shapes,
    const float4 *__restrict__ colours, int stride, const float4 *__restrict__ sky, int sky_width, int sky_height,
    float4 *__restrict__ rgba, float *__restrict__ depths
) {
    blend_tile<NONE>(starts, splats, shapes, colours, stride, sky, sky_width, sky_height, rgba, depths);
}
