"""Recommenders on disk."""
