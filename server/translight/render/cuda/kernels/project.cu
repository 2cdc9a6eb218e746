// Culling, projection and colour of a layer in all views of one eye, fused: a thread a splat, which is read once.
//
// Splats of all layers are numbered through. What is written here begins at the layer's first: a splat's shape in view v
// stands at v·total + i, two float4: (x, y, p, q) and (r, log2_alpha, depth, –). Its colour and its key, and how many
// tiles it touches in which views (count << 8 | views), are shared by the views.

// Whether any splat of a group can touch a view's picture; render/cpu/cull.py has the argument.
__device__ __forceinline__ bool group_seen(
    const float *__restrict__ groups, int stride, int group, const Placement &placement
) {
    const float x = groups[group], y = groups[stride + group], z = groups[2 * stride + group];
    const float across = groups[3 * stride + group], along = groups[4 * stride + group];
    const float up = groups[5 * stride + group], scale = groups[6 * stride + group];
    bool seen = across >= 0.0f;
    for (int k = 0; k < 5; ++k) {
        const float nx = placement.planes[5 * k], ny = placement.planes[5 * k + 1], nz = placement.planes[5 * k + 2];
        const float offset = placement.planes[5 * k + 3];
        const float distance = nx * x + ny * y + nz * z + offset;
        const float size = fabsf(nx) * across + fabsf(ny) * along + fabsf(nz) * up + placement.planes[5 * k + 4] * scale;
        const float rounding = fabsf(nx * x) + fabsf(ny * y) + fabsf(nz * z) + size + fabsf(offset);
        seen = seen && distance + size + 1e-5f * rounding >= 0.0f;
    }
    return seen;
}

// Splat i's shape in a view, and how many tiles it touches there; 0 where it is not seen.
__device__ __forceinline__ u32 shape_of(
    const float *__restrict__ geometry, const float *__restrict__ clips, int stride, int i, float mx, float my,
    float mz, const Layer &layer, const Placement &placement, const View &view, float4 &first, float4 &second
) {
    const float *w = placement.rotation;
    const float s = layer.scale;
    const float z = s * (w[6] * mx + w[7] * my + w[8] * mz) + placement.translation[2];
    if (!(z >= view.near_m)) return 0;
    float log2_alpha = geometry[12 * (size_t)stride + i];
    if (!(log2_alpha >= LOG2_ALPHA_CUT)) return 0;
    if (!kept(clips, placement.first_clip, placement.end_clip, mx, my, mz)) return 0;
    const float x = s * (w[0] * mx + w[1] * my + w[2] * mz) + placement.translation[0];
    const float y = s * (w[3] * mx + w[4] * my + w[5] * mz) + placement.translation[1];
    const float inverse_z = __fdiv_rn(1.0f, z);
    const float over_x = x * inverse_z, over_y = y * inverse_z;
    const float slope_x = fminf(fmaxf(over_x, view.low_x), view.high_x);
    const float slope_y = fminf(fmaxf(over_y, view.low_y), view.high_y);

    // Rows of the Jacobian times the rotation, then times the scaled axes: 2×3, whose square is the covariance. Written
    // out as sums of squares, since long thin splats leave no digits to cancel.
    const float fx = s * view.fx * inverse_z, fy = s * view.fy * inverse_z;
    const float a0 = fx * (w[0] - slope_x * w[6]), a1 = fx * (w[1] - slope_x * w[7]), a2 = fx * (w[2] - slope_x * w[8]);
    const float b0 = fy * (w[3] - slope_y * w[6]), b1 = fy * (w[4] - slope_y * w[7]), b2 = fy * (w[5] - slope_y * w[8]);
    float g[3], h[3];
    for (int k = 0; k < 3; ++k) {
        const float m0 = geometry[(size_t)(3 + k) * stride + i];
        const float m1 = geometry[(size_t)(6 + k) * stride + i];
        const float m2 = geometry[(size_t)(9 + k) * stride + i];
        g[k] = a0 * m0 + a1 * m1 + a2 * m2;
        h[k] = b0 * m0 + b1 * m1 + b2 * m2;
    }
    const float xx = g[0] * g[0] + g[1] * g[1] + g[2] * g[2] + DILATION_PX2;
    const float xy = g[0] * h[0] + g[1] * h[1] + g[2] * h[2];
    const float yy = h[0] * h[0] + h[1] * h[1] + h[2] * h[2] + DILATION_PX2;
    const float m01 = g[0] * h[1] - g[1] * h[0], m02 = g[0] * h[2] - g[2] * h[0], m12 = g[1] * h[2] - g[2] * h[1];
    const float before = m01 * m01 + m02 * m02 + m12 * m12;
    const float determinant = before + DILATION_PX2 * (xx + yy - DILATION_PX2);
    if (layer.antialiased > 0.0f) {
        log2_alpha += 0.5f * log2f(__fdiv_rn(before, determinant));
        if (!(log2_alpha >= LOG2_ALPHA_CUT)) return 0;
    }

    const float inverse_yy = __fdiv_rn(1.0f, yy);
    const float p = __fsqrt_rn(__fdiv_rn(HALF_LOG2_E * yy, determinant));
    const float q = -p * (xy * inverse_yy);
    const float r = __fsqrt_rn(HALF_LOG2_E * inverse_yy);
    if (!(p > 0.0f && r > 0.0f)) return 0;
    first = make_float4(view.fx * over_x + view.cx, view.fy * over_y + view.cy, p, q);
    second = make_float4(r, log2_alpha, z, 0.0f);
    return count_tiles(outline_of(first.x, first.y, p, q, r, log2_alpha), view);
}

template <bool HALF>
__device__ __forceinline__ void project_splat(
    const float *__restrict__ geometry, const float *__restrict__ base, const u32 *__restrict__ rest,
    const float *__restrict__ groups, int count, int stride, int degree, int number, const float *__restrict__ clips,
    int total, u32 *__restrict__ keys, u32 *__restrict__ touched, float4 *__restrict__ shapes,
    float4 *__restrict__ colours
) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    const int lane = threadIdx.x & 31;
    const Layer &layer = frame.layer[number];
    const Placement *placements = frame.placement + number * frame.views;
    const bool seen_by = lane < frame.views && group_seen(groups, stride / GROUP, i / GROUP, placements[lane]);
    u32 views = __ballot_sync(ALL_LANES, seen_by);
    u32 key = NOTHING;
    if (i < count && views != 0) {
        const float mx = geometry[i], my = geometry[(size_t)stride + i], mz = geometry[2 * (size_t)stride + i];
        u32 tiles = 0, seen = 0;
        float depth = 0.0f;
        for (; views != 0; views &= views - 1) {
            const int v = __ffs(views) - 1;
            float4 first, second;
            const u32 found = shape_of(
                geometry, clips, stride, i, mx, my, mz, layer, placements[v], frame.view[v], first, second
            );
            if (found == 0) continue;
            tiles += found;
            seen |= 1u << v;
            depth = second.z;
            float4 *shape = shapes + 2 * ((size_t)v * total + i);
            shape[0] = first;
            shape[1] = second;
        }
        if (seen != 0) {
            const float x = mx - layer.eye[0], y = my - layer.eye[1], z = mz - layer.eye[2];
            // In scene axes, where no camera's rotation has a part in it: it has the same bits however one turns.
            const float far = layer.by_distance * (x * x + y * y + z * z);
            key = __float_as_uint(layer.by_distance > 0.0f ? far : depth);
            touched[i] = tiles << MAX_VIEWS | seen;
            const float3 c = colour_of<HALF>(base, rest, stride, i, degree, x, y, z);
            colours[i] = make_float4(
                tinted(c.x, layer.tint), tinted(c.y, layer.tint + 1), tinted(c.z, layer.tint + 2), 0.0f
            );
        }
    }
    keys[i] = key;
}

extern "C" __global__ void __launch_bounds__(THREADS, 3) project_half(
    const float *__restrict__ geometry, const float *__restrict__ base, const u32 *__restrict__ rest,
    const float *__restrict__ groups, int count, int stride, int degree, int number, const float *__restrict__ clips,
    int total, u32 *__restrict__ keys, u32 *__restrict__ touched, float4 *__restrict__ shapes,
    float4 *__restrict__ colours
) {
    project_splat<true>(
        geometry, base, rest, groups, count, stride, degree, number, clips, total, keys, touched, shapes, colours
    );
}

extern "C" __global__ void __launch_bounds__(THREADS, 3) project_float(
    const float *__restrict__ geometry, const float *__restrict__ base, const u32 *__restrict__ rest,
    const float *__restrict__ groups, int count, int stride, int degree, int number, const float *__restrict__ clips,
    int total, u32 *__restrict__ keys, u32 *__restrict__ touched, float4 *__restrict__ shapes,
    float4 *__restrict__ colours
) {
    project_splat<false>(
        geometry, base, rest, groups, count, stride, degree, number, clips, total, keys, touched, shapes, colours
    );
}
