"""Keras graphs from rows to a rating; they know nothing of ids, training or files."""
