"""What to ask a newcomer, and what the answers say."""
