// A stable radix sort, eight bits a pass: count, scan, scatter (Satish, Harris, Garland 2009). Lengths stay on the
// device; blocks beyond them end at once. Entries whose key is NOTHING are left out.
//
// Entries are cut into strips of SORT_STRIP. ``counts`` holds, for each digit, a row of ``strips`` numbers.

extern "C" __global__ void __launch_bounds__(THREADS) radix_count(
    const u32 *__restrict__ keys, const u32 *__restrict__ length, int shift, u32 *__restrict__ counts, int strips
) {
    __shared__ u32 histogram[DIGITS];
    const u32 n = *length, begin = blockIdx.x * SORT_STRIP;
    if (begin >= n) return;
    histogram[threadIdx.x] = 0;
    __syncthreads();
    for (int k = 0; k < SORT_STRIP / THREADS; ++k) {
        const u32 i = begin + k * THREADS + threadIdx.x;
        const u32 key = i < n ? keys[i] : NOTHING;
        if (key != NOTHING) atomicAdd(&histogram[(key >> shift) & (DIGITS - 1)], 1u);
    }
    __syncthreads();
    counts[threadIdx.x * strips + blockIdx.x] = histogram[threadIdx.x];
}

// A warp a digit: its row becomes sums of the strips before each, and ``totals`` its sum.
extern "C" __global__ void __launch_bounds__(THREADS) radix_scan(
    u32 *__restrict__ counts, const u32 *__restrict__ length, int strips, u32 *__restrict__ totals
) {
    const u32 used = (*length + SORT_STRIP - 1) / SORT_STRIP;
    const int lane = threadIdx.x & 31, digit = (blockIdx.x * THREADS + threadIdx.x) / 32;
    u32 *row = counts + digit * strips;
    u32 carried = 0;
    // Eight loads of a lane are under way together.
    for (u32 begin = 0; begin < used; begin += 8 * 32) {
        u32 own[8];
#pragma unroll
        for (int k = 0; k < 8; ++k) own[k] = begin + 32 * k + lane < used ? row[begin + 32 * k + lane] : 0;
#pragma unroll
        for (int k = 0; k < 8; ++k) {
            if (begin + 32 * k >= used) break;
            const u32 sum = warp_sum(own[k], lane);
            if (begin + 32 * k + lane < used) row[begin + 32 * k + lane] = carried + sum - own[k];
            carried += __shfl_sync(ALL_LANES, sum, 31);
        }
    }
    if (lane == 0) totals[digit] = carried;
}

// Entries to their places. Without ``values`` an entry's value is its place. ``found`` gets how many there are.
//
// A block sorts its strip in shared memory first: then its threads write a digit's entries side by side.
extern "C" __global__ void __launch_bounds__(THREADS, 3) radix_scatter(
    const u32 *__restrict__ keys, const u32 *__restrict__ values, const u32 *__restrict__ length, int shift,
    const u32 *__restrict__ counts, const u32 *__restrict__ totals, int strips, u32 *__restrict__ keys_out,
    u32 *__restrict__ values_out, u32 *__restrict__ found
) {
    const int rounds = SORT_STRIP / THREADS;
    __shared__ u32 places[THREADS / 32][DIGITS];
    __shared__ u32 warps[THREADS / 32 + 1];
    __shared__ u32 moves[DIGITS];
    __shared__ uint2 sorted[SORT_STRIP];
    const u32 n = *length, begin = blockIdx.x * SORT_STRIP;
    if (begin >= n && blockIdx.x > 0) return;
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    for (int w = 0; w < THREADS / 32; ++w) places[w][threadIdx.x] = 0;
    __syncthreads();

    // Each warp takes a run of entries, in order, and ranks them among those of its digit.
    const u32 run = begin + warp * (32 * rounds) + lane;
    u32 key[SORT_STRIP / THREADS], rank[SORT_STRIP / THREADS];
#pragma unroll
    for (int k = 0; k < rounds; ++k) key[k] = run + 32 * k < n ? keys[run + 32 * k] : NOTHING;
#pragma unroll
    for (int k = 0; k < rounds; ++k) {
        const u32 digit = key[k] == NOTHING ? DIGITS : (key[k] >> shift) & (DIGITS - 1);
        const u32 same = __match_any_sync(ALL_LANES, digit);
        const u32 earlier = __popc(same & lanes_below(lane));
        const bool counted = digit < DIGITS;
        rank[k] = counted ? places[warp][digit] + earlier : 0;
        __syncwarp();
        if (counted && earlier == 0) places[warp][digit] += __popc(same);
        __syncwarp();
    }
    __syncthreads();

    // A thread a digit: where each warp's first entry of that digit goes in the strip, and how far on from there.
    u32 own = 0, all, held;
    for (int w = 0; w < THREADS / 32; ++w) own += places[w][threadIdx.x];
    u32 place = sum_before(own, warps, held);
    __syncthreads();
    const u32 to = sum_before(totals[threadIdx.x], warps, all);
    moves[threadIdx.x] = to + (begin < n ? counts[threadIdx.x * strips + blockIdx.x] : 0) - place;
    for (int w = 0; w < THREADS / 32; ++w) {
        const u32 of_warp = places[w][threadIdx.x];
        places[w][threadIdx.x] = place;
        place += of_warp;
    }
    if (blockIdx.x == 0 && threadIdx.x == 0) *found = all;
    __syncthreads();
#pragma unroll
    for (int k = 0; k < rounds; ++k) {
        if (key[k] == NOTHING) continue;
        const u32 i = run + 32 * k;
        sorted[places[warp][(key[k] >> shift) & (DIGITS - 1)] + rank[k]] = make_uint2(key[k], values ? values[i] : i);
    }
    __syncthreads();
    for (u32 k = threadIdx.x; k < held; k += THREADS) {
        const uint2 entry = sorted[k];
        const u32 at = moves[(entry.x >> shift) & (DIGITS - 1)] + k;
        keys_out[at] = entry.x;
        values_out[at] = entry.y;
    }
}
