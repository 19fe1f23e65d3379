"""Make a scorecard of cases with a known outcome. Needs requirements/science.txt; serving a card needs none of it."""
