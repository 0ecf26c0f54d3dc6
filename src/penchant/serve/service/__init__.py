"""The model that answers, kept up with the log."""
