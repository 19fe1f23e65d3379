"""Manual review: what the machine is not sure of, or what somebody complained about, is decided by a person."""
