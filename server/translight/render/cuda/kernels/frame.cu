// What changes from frame to frame, in constant memory: the views of one eye that are drawn together, and the layers.
// render/cuda/views.py lays out the same words.

struct View {
    float fx, fy, cx, cy, near_m;
    float low_x, high_x, low_y, high_y;  // clamps of x/z and y/z in the Jacobian
    float width, height;
    float stage_rotation[9];  // stage from camera, row by row, for the sky
    int columns, rows;  // of tiles
    int first_tile, first_pixel;  // among those of all views
};

struct Layer {
    float scale;  // metres of a scene unit
    float eye[3];  // in scene units
    float by_distance;  // metres² of a scene unit² where that is the order, else 0
    float antialiased;
    float tint[12];
};

// A layer in a view.
struct Placement {
    float rotation[9];  // camera from scene, row by row
    float translation[3];
    float planes[25];  // five half-spaces: normal in scene axes, offset, what a scale of 1 adds
    int first_clip, end_clip;  // among the frame's half-spaces
};

struct Frame {
    int views;
    float sky_tint[12];
    View view[MAX_VIEWS];
    Layer layer[MAX_LAYERS];
    Placement placement[MAX_LAYERS * MAX_VIEWS];  // layer by layer, one for each view that there is
};

extern "C" {
__constant__ Frame frame;
}
