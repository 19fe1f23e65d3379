"""One module per subject: `measure(scale)` gives its figures."""
