"""Files of any kind, read as batches of columns."""
