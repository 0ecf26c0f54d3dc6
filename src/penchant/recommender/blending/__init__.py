"""What a blend is made of: its members, their weights, their sections."""
