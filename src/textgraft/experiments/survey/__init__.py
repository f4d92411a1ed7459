"""What is in a file of texts and labels, before anything is learned from it."""
