"""The library: environments that were made, found again by words."""
