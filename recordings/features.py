"""What can be known about measurements and sessions."""

from features.definitions import extracts
from recordings.extraction import coverage, services

extracts(
    "recordings",
    counts=coverage.counts,
    request_batch=services.request_batch_extraction,
    request_backfill=services.request_backfill,
)
