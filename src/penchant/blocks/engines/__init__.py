"""Where blocks of rows are solved."""
