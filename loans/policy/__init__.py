"""What decides besides the score: thresholds and fraud rules as versioned rows, tried and approved before they act."""
