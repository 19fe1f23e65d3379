"""Settings of claims: which models judge them."""

import environ

env = environ.FileAwareEnv()

# The judge, a version of this release or the path of a .json file.
CLAIM_JUDGE = env("CLAIM_JUDGE", default="v1")
CLAIM_EMBEDDER = env("CLAIM_EMBEDDER", default="")  # class path of what makes vectors of texts; empty: none
CLAIM_EMBEDDER_FOLDER = env("CLAIM_EMBEDDER_FOLDER", default="")  # where it finds its own files
