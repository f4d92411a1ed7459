"""Text before a network sees it; no torch."""
