"""Where each still was taken: COLMAP in a process of its own; begin at ``solve.py``, docs/reconstruction/poses.md."""
