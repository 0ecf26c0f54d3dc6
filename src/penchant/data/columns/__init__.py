"""Which columns are what, and their entries checked and made into numbers."""
