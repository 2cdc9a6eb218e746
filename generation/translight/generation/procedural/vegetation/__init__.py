"""Plants as meshes: skeletons grown by rules, wood and leaves put on them, and where they stand."""
