// What changes from frame to frame, or with the colour, in constant memory; volume/cuda/composition.py has the same words.

typedef unsigned int u32;

struct Composition {
    double matrix[9], offset[3];  // a pixel's homogeneous place in the inner picture from its place on the stage
    double planes[40];            // five half-spaces outside of which nothing shows the picture, five inside of which all does
    int width, height;            // of the inner picture
    float near_m, feather;
    float filter[16];   // volume/sampling.py's coefficients
    float mixing[9];
    float rounding[64];
    float scale, limit;
    int kind, shift;
    u32 opaque;
};

extern "C" {
__constant__ Composition composition;
}
