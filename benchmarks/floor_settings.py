"""The bare stack: the same server, framework and connection settings, and nothing between them and the view."""

from benchmarks.settings import *  # noqa: F403

MIDDLEWARE = []
ROOT_URLCONF = "benchmarks.floor_urls"
