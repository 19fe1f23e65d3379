"""What declarations are made of."""
