"""What families/space.py is made of: regolith, rocks, and a sky without air."""
