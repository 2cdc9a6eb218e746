"""Where everything lies in the two buffers, floats and integers, that pack.py fills and the kernels read.

Integers begin with a header of counts and offsets, floats with the scene's constants; records follow. Two buffers, and
not dozens of arrays, because a kernel's call hands on seven words for each array.
"""

from __future__ import annotations

# The header of the integers: counts, and offsets into the floats (…_F) or the integers (…_I).
GRIDS, GRID_I, TOP_NODE = 0, 1, 3
NODE_F, NODE_I, TRIANGLE_F, TRIANGLE_I, VERTEX_F = 4, 5, 6, 7, 8
INSTANCE_F, INSTANCE_I, MATERIAL_F = 9, 10, 11
SKY_F, SKY_ROWS, BLURRED_F, IRRADIANCE_F, HORIZON_F, DITHER_F = 12, 13, 14, 15, 16, 17
LAMPS, LAMP_F, NEAR_LAMPS_I, NEAR_COLUMNS, NEAR_ROWS = 18, 19, 20, 21, 22
WATER, WAVES, WAVE_F, DISPLACED = 23, 24, 25, 26
SEED = 27
HEADER = 32

# The constants that the floats begin with.
SUN, SUN_LIGHT, SUN_COS, SUN_SIN, SUN_DISC = 0, 3, 6, 7, 8
HAZE, HAZE_HEIGHT, FOG, FOG_HEIGHT, FOG_TOP, FORWARD, AIR_ALBEDO = 11, 14, 15, 16, 17, 18, 19
MEAN_SKY, FOG_SUN = 22, 25
LEVEL, AMPLITUDE, DEEP, CLEAR, FOAM = 28, 29, 30, 33, 36
NEAR_X, NEAR_Y, NEAR_CELL = 38, 39, 40
CHANCE = 41
CONSTANTS = 48

# Records of the land: integers, and the floats that they point to.
G_ROWS, G_COLUMNS, G_HEIGHT_F, G_COLOUR_F, G_MATERIAL_I, G_LEVELS, G_FLOATS = 0, 1, 2, 3, 4, 5, 6
G_LEVEL_F, G_LEVEL_COLUMNS, G_LEVEL_ROWS, MAX_LEVELS = 8, 24, 40, 16
GRID_INTS = 56
GX0, GY0, GCELL, GX1, GY1, GTOP = 0, 1, 2, 3, 4, 5

# A node: bounds; its first child (the second follows it) or its first item, and the items' number (0: children).
NODE_FLOATS, NODE_INTS = 6, 2
# A triangle: a corner and two edges; three vertices and a material. A vertex: normal and colour.
TRIANGLE_FLOATS, TRIANGLE_INTS, VERTEX_FLOATS = 9, 4, 6
# A placed copy: mesh_from_stage, tint, scale; the root of its mesh, whether it is smooth, which lamp it is (or −1), and
# its mesh's first triangle, and how many copies on the next mesh's lies that stands with it.
INSTANCE_FLOATS, INSTANCE_INTS = 16, 5

M_A, M_B, M_PATTERN, M_SIZE, M_OCTAVES, M_TURN, M_RELIEF = 0, 3, 6, 7, 10, 11, 12
M_ROUGHNESS, M_SPECULAR, M_METAL, M_EMISSION, M_LIT, M_THROUGH = 13, 14, 15, 16, 19, 20
MATERIAL_FLOATS = 24

L_POSITION, L_RADIUS, L_INTENSITY, L_AXIS, L_CONE = 0, 3, 4, 7, 10
LAMP_FLOATS = 12
# Waves: all amplitudes, all wave numbers along x, along y, all phases; the displaced ones first, then the longest.
NEAR_LAMPS = 12
"""Lamps that are listed for a square of the stage: the strongest there."""

BLURRED_ROWS = 32
"""Rows of the small skies: blurred radiance, and what a surface of that normal receives (over π)."""
HORIZON_COLUMNS = 64
DITHER_PX = 64
