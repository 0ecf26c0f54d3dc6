"""Named sets, files, frames and synthetic tables, all turned into `Ratings`."""
