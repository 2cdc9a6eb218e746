"""Floor 4: the show file, the processes, the live loop."""
