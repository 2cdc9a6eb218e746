"""Engines: whatever makes candidates of a brief, behind one contract."""
