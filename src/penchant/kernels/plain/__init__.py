"""The kernels' plain twins, in the papers' symbols, for reading and for testing."""
