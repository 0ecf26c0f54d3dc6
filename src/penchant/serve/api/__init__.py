"""What the routes take and give, and where the work is done."""
