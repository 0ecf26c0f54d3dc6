"""Named sets: what they are, and how they come onto this machine."""
