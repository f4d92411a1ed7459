"""What was measured, as pictures: files for a person, and small lines for a page."""
