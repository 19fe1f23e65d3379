"""From declarations to values: the queries, and what runs them."""
