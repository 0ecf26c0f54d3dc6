"""Named sets, files, folders, frames and synthetic tables, all turned into `Ratings`."""
