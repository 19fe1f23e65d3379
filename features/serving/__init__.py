"""What is known now, for those who ask."""
