"""Ratings that come and go after the training: rows solved again, nothing trained."""
