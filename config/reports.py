"""Settings of reports: what is open to all, who classifies, how long reviewers have."""

import environ

env = environ.FileAwareEnv()

REPORTS_ANONYMOUS = env.list("REPORTS_ANONYMOUS", default=["read", "file"])  # what may be done without an account
# The classifier, a version of this release or the path of a .json file.
REPORT_CLASSIFIER = env("REPORT_CLASSIFIER", default="v1")

REPORT_REVIEW_HOURS = env.int("REPORT_REVIEW_HOURS", default=24)  # until a report in review is overdue
REPORT_REVIEW_URGENT_HOURS = env.int("REPORT_REVIEW_URGENT_HOURS", default=4)  # the same if urgent or abusive
REPORT_REVIEW_CLAIM_MINUTES = env.int("REPORT_REVIEW_CLAIM_MINUTES", default=15)

# This city's jurisdiction_id (empty: any is taken for ours), and whom clients of it may ask.
OPEN311_JURISDICTION = env("OPEN311_JURISDICTION", default="")
OPEN311_CONTACT = env("OPEN311_CONTACT", default="Ask the city that runs this service.")
OPEN311_KEY_SERVICE = env("OPEN311_KEY_SERVICE", default="Ask the city that runs this service for a key.")
