"""What can be asked of a fitted model, a file for each question."""
