"""Language models: learned from a corpus, kept in a folder, opened again."""
