"""The sections of the page, each made of its numbers alone."""
