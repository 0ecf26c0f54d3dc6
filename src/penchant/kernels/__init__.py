"""The inner loops (Numba) and their plain NumPy twins: arrays in, arrays out."""
