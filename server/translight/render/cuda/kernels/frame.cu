// What changes from frame to frame, in constant memory: the views of one eye that are drawn together.
// render/cuda/views.py lays out the same words.

struct View {
    float rotation[9];  // camera from scene, row by row
    float translation[3];
    float scale;
    float eye[3];  // in scene units
    float fx, fy, cx, cy, near_m;
    float low_x, high_x, low_y, high_y;  // clamps of x/z and y/z in the Jacobian
    float width, height;
    float stage_rotation[9];  // stage from camera, for the sky
    float by_distance;
    float planes[25];  // five half-spaces: normal in scene axes, offset, what a scale of 1 adds
    int columns, rows;  // of tiles
    int first_tile, first_pixel;  // among those of all views
};

struct Frame {
    int views;
    View view[MAX_VIEWS];
};

extern "C" {
__constant__ Frame frame;
}
