"""Settings of text messages and mail: who carries them, and how to log in there. Read by config.settings."""

import json
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

env = environ.FileAwareEnv()

SMS_BACKEND = env("SMS_BACKEND", default="accounts.sms.FileBackend")
SMS_GATEWAY_URL = env("SMS_GATEWAY_URL", default="")
SMS_GATEWAY_TOKEN = env("SMS_GATEWAY_TOKEN", default="").strip()  # files end in a line break
SMS_GATEWAY_SCHEME = env("SMS_GATEWAY_SCHEME", default="Bearer")  # what stands before the token
SMS_GATEWAY_FORMAT = env("SMS_GATEWAY_FORMAT", default="json")
SMS_GATEWAY_BODY = env("SMS_GATEWAY_BODY", default='{"to": "$to", "text": "$text"}')

EMAIL_BACKEND = env("EMAIL_BACKEND", default="accounts.delivery.FileBackend")
EMAIL_TIMEOUT = 5  # seconds: a task that mails holds its row meanwhile
EMAIL_HOST = env("EMAIL_HOST", default="localhost")
EMAIL_PORT = env.int("EMAIL_PORT", default=25)
EMAIL_HOST_USER = env("EMAIL_HOST_USER", default="")
EMAIL_HOST_PASSWORD = env("EMAIL_HOST_PASSWORD", default="").rstrip("\r\n")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", default=False)
EMAIL_USE_SSL = env.bool("EMAIL_USE_SSL", default=False)
DEFAULT_FROM_EMAIL = env("EMAIL_FROM", default="millrace@localhost")


def check_gateway(url: str, body: str, form: str) -> None:
    """Raises ImproperlyConfigured where codes could be read on the way, or could not be sent."""
    address = urlsplit(url)
    if address.scheme != "https" and not (address.scheme == "http" and address.hostname in {"127.0.0.1", "localhost"}):
        raise ImproperlyConfigured("SMS_GATEWAY_URL must begin with https://.")
    if form not in {"json", "form"}:
        raise ImproperlyConfigured("SMS_GATEWAY_FORMAT is json or form.")
    try:
        fields = json.loads(body)
    except ValueError:
        fields = None
    if not isinstance(fields, dict) or "$to" not in body or "$text" not in body:
        raise ImproperlyConfigured("SMS_GATEWAY_BODY must be a JSON object with $to and $text in it.")


if SMS_BACKEND == "accounts.gateway.HttpBackend":
    check_gateway(SMS_GATEWAY_URL, SMS_GATEWAY_BODY, SMS_GATEWAY_FORMAT)
