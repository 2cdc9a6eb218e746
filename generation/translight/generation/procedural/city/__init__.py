"""Parts of a city for families/city.py: facades, buildings, roofs, streets, vehicles and neon."""
