"""The fitted value: what was known in training, and what has changed since."""
