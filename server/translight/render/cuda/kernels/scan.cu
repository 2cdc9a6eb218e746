// Sums over a warp and over a block of THREADS threads, all of which call these together.

// The sum of the values of the lanes up to this one, and its own.
__device__ __forceinline__ u32 warp_sum(u32 value, int lane) {
    for (int step = 1; step < 32; step <<= 1) {
        const u32 other = __shfl_up_sync(ALL_LANES, value, step);
        if (lane >= step) value += other;
    }
    return value;
}

// The sum of the values of the threads before this one; ``total`` is that of all. ``warps`` is shared, a word a warp
// and one more, and may be used again after the next barrier.
__device__ __forceinline__ u32 sum_before(u32 value, u32 *warps, u32 &total) {
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const u32 sum = warp_sum(value, lane);
    if (lane == 31) warps[warp] = sum;
    __syncthreads();
    if (threadIdx.x == 0) {
        u32 running = 0;
        for (int w = 0; w < THREADS / 32; ++w) {
            const u32 own = warps[w];
            warps[w] = running;
            running += own;
        }
        warps[THREADS / 32] = running;
    }
    __syncthreads();
    total = warps[THREADS / 32];
    return warps[warp] + sum - value;
}

// The sums before each block's value, in place, by a single block of threads; there are as many as ``found`` splats have
// blocks. ``status`` gets the sum of all, and what of it there is room for. Sums that 32 bits do not hold, as of a cloud
// of giants all over a large picture, are told as the largest number, and nothing is drawn.
extern "C" __global__ void __launch_bounds__(THREADS) scan_sums(
    u32 *__restrict__ sums, const u32 *__restrict__ found, u32 room, u32 *__restrict__ status
) {
    __shared__ u32 warps[THREADS / 32 + 1];
    const u32 length = (*found + THREADS - 1) / THREADS;
    u64 carried = 0;
    for (u32 begin = 0; begin < length; begin += 4 * THREADS) {
        // Four a thread, side by side.
        const u32 at = begin + 4 * threadIdx.x;
        u32 own[4], low_total, high_total;
        u64 sum = 0;
        for (int k = 0; k < 4; ++k) {
            own[k] = at + k < length ? sums[at + k] : 0;
            sum += own[k];
        }
        // By halves, neither of which overflows.
        const u32 low = sum_before((u32)sum & 0xffffu, warps, low_total);
        __syncthreads();
        const u32 high = sum_before((u32)(sum >> 16), warps, high_total);
        u64 running = carried + low + ((u64)high << 16);
        for (int k = 0; k < 4; ++k) {
            if (at + k < length) sums[at + k] = (u32)running;
            running += own[k];
        }
        carried += low_total + ((u64)high_total << 16);
        __syncthreads();
    }
    if (threadIdx.x == 0) {
        const bool held = carried < NOTHING;
        status[0] = held ? (u32)carried : NOTHING;
        status[1] = !held ? 0 : carried < room ? (u32)carried : room;
    }
}
