"""What may be said of a table of results: effects, their intervals, and decisions."""
