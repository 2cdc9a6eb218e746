"""Floor 0: frames, poses, cameras, lenses, clocks and threads, which every other room builds on."""
