// Instances: a splat in a tile. Splats in their order name the tiles that they touch; sorted stably by tile, each
// tile's list is in the same order.

// How many instances the splats of each block of THREADS places have.
extern "C" __global__ void __launch_bounds__(THREADS) sum_instances(
    const u32 *__restrict__ order, const u32 *__restrict__ found, const u32 *__restrict__ touched, u32 *__restrict__ sums
) {
    __shared__ u32 warps[THREADS / 32 + 1];
    const u32 n = *found, place = blockIdx.x * THREADS + threadIdx.x;
    if (blockIdx.x * THREADS >= n) return;
    u32 total;
    sum_before(place < n ? touched[order[place]] >> MAX_VIEWS : 0, warps, total);
    if (threadIdx.x == 0) sums[blockIdx.x] = total;
}

// The instances of splat i from ``at`` on: those that lane 0 of ``lanes`` lanes and every lanes-th after it write. A
// row's columns are shared among the lanes, so that a splat over the whole picture keeps a warp busy and not a thread.
__device__ __forceinline__ void name_tiles(
    const float4 *__restrict__ shapes, int stride, u32 i, u32 views, u32 at, int lane, int lanes, u32 room,
    u32 *__restrict__ tiles, u32 *__restrict__ splats
) {
    for (; views != 0; views &= views - 1) {
        const int v = __ffs(views) - 1;
        const View &view = frame.view[v];
        const float4 *shape = shapes + 2 * ((size_t)v * stride + i);
        const float4 first = shape[0], second = shape[1];
        const Outline o = outline_of(first.x, first.y, first.z, first.w, second.x, second.y);
        int top, bottom;
        pixel_rows(o, view.height, top, bottom);
        if (top > bottom) continue;
        for (int row = top / TILE_PX; row <= bottom / TILE_PX; ++row) {
            int left, right;
            pixel_columns(o, row, view.width, left, right);
            if (left > right) continue;
            const int begin = left / TILE_PX, end = right / TILE_PX;
            const u32 tile = view.first_tile + row * view.columns;
            for (int column = begin + lane; column <= end; column += lanes) {
                const u32 to = at + (column - begin);
                if (to < room) {
                    tiles[to] = tile + column;
                    splats[to] = i;
                }
            }
            at += end - begin + 1;
        }
    }
}

extern "C" __global__ void __launch_bounds__(THREADS) emit_instances(
    const u32 *__restrict__ order, const u32 *__restrict__ found, const u32 *__restrict__ touched,
    const u32 *__restrict__ sums, const float4 *__restrict__ shapes, int stride, u32 room, u32 *__restrict__ tiles,
    u32 *__restrict__ splats
) {
    __shared__ u32 warps[THREADS / 32 + 1];
    const u32 n = *found, place = blockIdx.x * THREADS + threadIdx.x;
    if (blockIdx.x * THREADS >= n) return;
    const u32 i = place < n ? order[place] : 0;
    const u32 word = place < n ? touched[i] : 0;
    const u32 count = word >> MAX_VIEWS, views = word & ((1u << MAX_VIEWS) - 1);
    u32 total;
    const u32 at = sums[blockIdx.x] + sum_before(count, warps, total);
    const bool many = count > LONE_INSTANCES;
    if (count > 0 && !many) name_tiles(shapes, stride, i, views, at, 0, 1, room, tiles, splats);
    const int lane = threadIdx.x & 31;
    for (u32 waiting = __ballot_sync(ALL_LANES, many); waiting != 0; waiting &= waiting - 1) {
        const int from = __ffs(waiting) - 1;
        const u32 splat = __shfl_sync(ALL_LANES, i, from), whose = __shfl_sync(ALL_LANES, views, from);
        const u32 start = __shfl_sync(ALL_LANES, at, from);
        name_tiles(shapes, stride, splat, whose, start, lane, 32, room, tiles, splats);
    }
}

// Where each tile's list begins among the instances sorted by tile; one more is where the last ends.
extern "C" __global__ void __launch_bounds__(THREADS) find_tiles(
    const u32 *__restrict__ tiles, const u32 *__restrict__ length, u32 count, u32 *__restrict__ starts
) {
    const u32 tile = blockIdx.x * THREADS + threadIdx.x;
    if (tile > count) return;
    u32 low = 0, high = *length;
    while (low < high) {
        const u32 middle = low + (high - low) / 2;
        if (tiles[middle] < tile) low = middle + 1;
        else high = middle;
    }
    starts[tile] = low;
}
