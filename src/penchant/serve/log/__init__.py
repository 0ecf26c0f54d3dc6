"""The log of events: its tables, and what they come to."""
