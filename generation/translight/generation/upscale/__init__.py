"""Super-resolution: a panorama in more pixels, by a network that a package carries."""
