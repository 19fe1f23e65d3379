"""Manual review: what the machine would not decide by itself is decided by a person."""
