"""What a fitted model predicts, and how sure it is."""
