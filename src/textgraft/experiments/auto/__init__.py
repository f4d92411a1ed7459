"""``fit -m auto``: climb from cheap methods to dear ones within a budget, and keep what is worth it."""
