"""Settings of recordings: how much one upload may bring, and how many may come at once."""

import environ

env = environ.FileAwareEnv()

RECORDING_MAX_BYTES = env.int("RECORDING_MAX_BYTES", default=4 << 30)  # of the samples of one upload
RECORDING_UPLOADS = env.int("RECORDING_UPLOADS", default=4)  # at once, in one web process
