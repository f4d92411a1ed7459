"""Pure functions and frozen records; NumPy only."""
