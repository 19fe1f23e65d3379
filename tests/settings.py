"""The product's settings with a throw-away domain beside the real ones, and nothing that makes tests slow."""

from config.settings import *  # noqa: F403
from config.settings import DOMAINS, INSTALLED_APPS, REST_FRAMEWORK

DOMAINS = [*DOMAINS, "tests.garden"]
INSTALLED_APPS = [*INSTALLED_APPS, "tests.garden"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
REST_FRAMEWORK = {
    **REST_FRAMEWORK,
    "DEFAULT_THROTTLE_RATES": dict.fromkeys(REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], "100000/min"),
}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
