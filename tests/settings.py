"""The product's settings with a throw-away domain beside the real ones, and nothing that makes tests slow."""

import os
from urllib.parse import urlsplit, urlunsplit

# Each parallel test process has its own Redis database, as pytest-django gives it its own PostgreSQL database.
NUMBER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) + 1
if "REDIS_URL" in os.environ:
    os.environ["REDIS_URL"] = urlunsplit(urlsplit(os.environ["REDIS_URL"])._replace(path=f"/{NUMBER}"))

from config.settings import *  # noqa: E402, F403
from config.settings import DOMAINS, INSTALLED_APPS, REST_FRAMEWORK  # noqa: E402

DOMAINS = [*DOMAINS, "tests.garden"]
INSTALLED_APPS = [*INSTALLED_APPS, "tests.garden"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
REST_FRAMEWORK = {
    **REST_FRAMEWORK,
    "DEFAULT_THROTTLE_RATES": dict.fromkeys(REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], "100000/min"),
}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
WEBHOOK_ALLOW_INSECURE = True  # receivers of the tests listen on loopback
EXPORT_URL, EXPORT_EVERY = "", 0  # a test that exports names its own folder
AUDIT_HEADS, AUDIT_KEY = os.environ.get("AUDIT_HEADS", ""), "k" * 32  # a test that signs names its own place
