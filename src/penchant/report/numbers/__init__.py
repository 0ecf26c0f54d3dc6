"""What a report tells, as JSON-able numbers and words; the page is drawn from these alone."""
