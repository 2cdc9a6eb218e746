"""The procedural engine: scenes computed from the brief, with true depth, without any weights."""
