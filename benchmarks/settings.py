"""The product as it is, with the domain, the task and the addresses that only measuring needs."""

import warnings

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks", "benchmarks.workload"]
ROOT_URLCONF = "benchmarks.urls"
warnings.filterwarnings("ignore", "No directory at")  # the folder of static files
