"""Learning: the one training loop, its losses and records. Knows no method."""
