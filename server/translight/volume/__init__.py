"""Floor 2: LED walls, frustums, and compositing the inner view onto them."""
