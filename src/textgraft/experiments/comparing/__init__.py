"""Which method is worth its cost: every method on the same rows, what it found and what that means."""
