"""What gives a network its numbers."""
