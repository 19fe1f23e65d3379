"""Where values come from, and who is told of it."""
