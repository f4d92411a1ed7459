"""What makes a text look known: signs of novelty, and how several of them are weighed."""
