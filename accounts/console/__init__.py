"""Pages of the console about people, how they log in, and what they were told. For admins alone."""
