"""What is measured on the samples of a recording: numpy and scipy, nothing of Django."""

from recordings.signal.measuring import VERSION, Measured, measure

__all__ = ["VERSION", "Measured", "measure"]
