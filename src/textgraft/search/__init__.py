"""Nearest-neighbour search: exact, and approximate beyond a measured size."""
