"""Floor 2: ways out for frames: senders, receivers, and the header that carries every time."""
