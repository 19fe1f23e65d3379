"""Settings of every process. What differs between machines comes from the environment (docs/operations.md)."""

from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config.logs import logging_config
from config.messages import *  # noqa: F403 - settings
from config.reports import *  # noqa: F403 - settings
from config.throttles import RATES

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.FileAwareEnv()

# Production unless told otherwise: forgetting a setting must never open a door.
PRODUCTION = env("MILLRACE_ENV", default="development") == "production"
DEBUG = env.bool("DJANGO_DEBUG", default=False)
DATA_DIR = Path(env("MILLRACE_DATA", default=".data")).absolute()


def secret(name: str, minimum: int = 50) -> str:
    """A secret of the environment. Outside production a fixed stand-in serves, so that commands run without set-up."""
    value = env(name, default="" if PRODUCTION else f"development-only-{name}-" + "0" * 32)
    if len(value) < minimum or value.startswith("django-insecure"):
        raise ImproperlyConfigured(f"{name} must be set to at least {minimum} random characters.")
    return value


SECRET_KEY = secret("SECRET_KEY")
JWT_KEY = secret("JWT_KEY", 32)
OTP_PEPPER = secret("OTP_PEPPER", 32)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]"])
METRICS_TOKEN = env("METRICS_TOKEN", default="")
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

MEDIA_ROOT = Path(env("MEDIA_ROOT", default=str(DATA_DIR / "media"))).absolute()  # photos; web and workers share it

# The domains. A new one is a folder and a name here; platform apps never import them.
DOMAINS = ["loans", "policies", "reports", "recordings", "claims"]
PLATFORM = ["accounts", "features", "archive", "tasks", "audit", "base"]

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_rq",
    "django_tasks",
    "axes",
    "csp",
    "pgtrigger",
    "django_prometheus",
    "console",
    *DOMAINS,
    *PLATFORM,
]

MIDDLEWARE = [
    "base.requests.Before",
    "base.middleware.health",
    "base.middleware.either_slash",
    "base.programs.short_way",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "base.pages.ContentSecurity",
    "base.pages.Sessions",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "base.pages.Authentication",
    "base.pages.Messages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
    "base.programs.end_of_pages",
    "base.middleware.request_context",
    "base.requests.After",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False  # the API accepts both forms without a redirect
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# PostgreSQL is the truth. Timeouts keep a request from hanging; a worker sets its own longer ones (tasks.execution).
DATABASES = {"default": env.db("DATABASE_URL", default="postgres://app@127.0.0.1:5432/millrace")}
DATABASES["default"] |= {
    "ENGINE": "base.postgresql",
    "CONN_MAX_AGE": 60,
    "CONN_HEALTH_CHECKS": True,
    "OPTIONS": {
        **DATABASES["default"].get("OPTIONS", {}),
        "connect_timeout": 3,
        "application_name": "millrace",
        "options": "-c statement_timeout=5000 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=10000",
        "keepalives": 1,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 10000,
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Redis only carries wake-ups and throttle counts; losing it costs time, never data.
REDIS_URL = env("REDIS_URL", default="redis://127.0.0.1:6379/0")
_redis = urlsplit(REDIS_URL)
_queue_connection = {
    "HOST": _redis.hostname or "127.0.0.1",
    "PORT": _redis.port or 6379,
    "DB": int((_redis.path or "/0").lstrip("/") or 0),
    "USERNAME": unquote(_redis.username) if _redis.username else None,
    "PASSWORD": unquote(_redis.password) if _redis.password else None,
    "SSL": _redis.scheme == "rediss",
    "SERIALIZER": "rq.serializers.JSONSerializer",
    "REDIS_CLIENT_KWARGS": {"socket_connect_timeout": 2, "health_check_interval": 30},
}
QUEUES = ["high", "default", "low"]  # in the order workers serve them
RQ_QUEUES = {name: dict(_queue_connection) for name in QUEUES}
RQ = {"JOB_CLASS": "tasks.worker.TaskJob", "WORKER_CLASS": "tasks.worker.TaskWorker", "COMMIT_MODE": "auto"}
RQ_SHOW_ADMIN_LINK = False
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "millrace",
        # One short try: a throttle must never make a request wait for Redis.
        "OPTIONS": {"socket_connect_timeout": 0.04, "socket_timeout": 0.04, "retry": None, "retry_on_error": []},
    }
}

TASKS = {"default": {"BACKEND": "tasks.backend.PostgresBackend", "QUEUES": QUEUES}}
TASK_LEASE_S = env.int("TASK_LEASE_S", default=30)
TASK_STREAMS = env.int("TASK_STREAMS", default=16)  # of one web process; config/gunicorn.py adds threads for them
DATASETS_DIR = Path(env("DATASETS_DIR", default=str(DATA_DIR / "datasets"))).absolute()  # web and workers share it
DATASET_DAYS = env.int("DATASET_DAYS", default=30)
# The OpenLineage backend that is told of runs of the feature store: https://host or file:///path; empty for none.
OPENLINEAGE_URL = env("OPENLINEAGE_URL", default="")
OPENLINEAGE_API_KEY = env("OPENLINEAGE_API_KEY", default="")
OPENLINEAGE_NAMESPACE = env("OPENLINEAGE_NAMESPACE", default="millrace")
if OPENLINEAGE_URL and urlsplit(OPENLINEAGE_URL).scheme not in ("https", "http", "file"):
    raise ImproperlyConfigured("OPENLINEAGE_URL must begin with https://, http:// or file://.")
# Signed heads of the audit trail, kept where who writes to the database cannot; empty for none.
AUDIT_HEADS = env("AUDIT_HEADS", default="" if PRODUCTION else str(DATA_DIR / "audit-heads.jsonl"))
AUDIT_KEY = secret("AUDIT_KEY", 32) if AUDIT_HEADS else ""
AUDIT_EXPORTS_DIR = Path(env("AUDIT_EXPORTS_DIR", default=str(DATA_DIR / "audit-exports"))).absolute()
AUDIT_EXPORT_DAYS = env.int("AUDIT_EXPORT_DAYS", default=7)
WEBHOOK_ALLOW_INSECURE = False  # tests alone send to http, to loopback and to any port

# The offline store. In production it needs an address that all hosts share.
EXPORT_URL = env("EXPORT_URL", default="" if PRODUCTION else str(DATA_DIR / "offline"))
_can_export = EXPORT_URL and find_spec("pyarrow") and find_spec("fsspec")
EXPORT_EVERY = env.int("EXPORT_EVERY", default=5 if _can_export else 0)  # minutes; 0 is never


AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
AXES_IPWARE_PROXY_COUNT = NUM_PROXIES = env.int("NUM_PROXIES", default=0)
LOGIN_URL = "admin:login"

SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    "SIGNING_KEY": JWT_KEY,
    "ISSUER": "millrace",
    "AUDIENCE": "millrace",
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=10),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=14),
}
QUALITY_CRON = env("QUALITY_CRON", default="30 3 * * *")  # when the quality of features is measured, UTC
# Where people find us, for links in mail: never taken from a request.
_here = f"http://127.0.0.1:{env('MILLRACE_PORT', default='8000')}"
SITE_URL = env("SITE_URL", default=f"https://{ALLOWED_HOSTS[0]}" if PRODUCTION and ALLOWED_HOSTS else _here).rstrip("/")
OUTBOX_DIR = DATA_DIR / "outbox"  # what the file backends of config.messages write
EMAIL_FILE_PATH = OUTBOX_DIR / "mail"

# Lending: who lends, as notices say, and how long reviewers have.
LENDER_NAME = env("LENDER_NAME", default="Millrace Lending")
LENDER_ADDRESS = env("LENDER_ADDRESS", default="1 Mill Street, Springfield")
LENDER_AGENCY = env("LENDER_AGENCY", default="Federal Trade Commission, Equal Credit Opportunity, Washington, DC 20580")
LENDER_EMAIL = env("LENDER_EMAIL", default="lending@localhost")
REVIEW_HOURS = env.int("REVIEW_HOURS", default=48)  # until a request in review is overdue
REVIEW_CLAIM_MINUTES = env.int("REVIEW_CLAIM_MINUTES", default=30)

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.BearerAuthentication",
        "accounts.authentication.StaffSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["base.permissions.RolePermission"],
    "DEFAULT_RENDERER_CLASSES": ["base.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "base.negotiation.Negotiation",
    "DEFAULT_PARSER_CLASSES": ["base.parsers.StrictJSONParser"],
    "DEFAULT_THROTTLE_CLASSES": ["base.throttles.AnonThrottle", "base.throttles.UserThrottle"],
    "DEFAULT_THROTTLE_RATES": {scope: env(f"THROTTLE_{scope.upper()}", default=rate) for scope, rate in RATES.items()},
    "DEFAULT_PAGINATION_CLASS": "base.pagination.NewestFirst",
    "DEFAULT_SCHEMA_CLASS": "base.schema.ProblemAutoSchema",
    "EXCEPTION_HANDLER": "base.problems.exception_handler",
    "NUM_PROXIES": NUM_PROXIES,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "COERCE_DECIMAL_TO_STRING": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Millrace",
    "DESCRIPTION": "Raw events into features, features into decisions; slow work runs behind.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["base.permissions.Public"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": [],  # enums stay where they are used instead of colliding by name
}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = not PRODUCTION

DATA_UPLOAD_MAX_MEMORY_SIZE = 6 * 1_048_576  # the parser has tighter limits of its own
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = 5
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "base.problems.csrf_failure"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "img-src": [SELF, "data:"],
    }
}
if PRODUCTION:
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    if env.bool("BEHIND_TLS_PROXY", default=False):
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    STORAGES["staticfiles"]["BACKEND"] = "whitenoise.storage.CompressedManifestStaticFilesStorage"

LOGGING = logging_config(env("MILLRACE_LOG", default="INFO").upper())
LOGGING_CONFIG = "config.logs.configure"

UNFOLD = {
    "SITE_TITLE": "Millrace",
    "SITE_HEADER": "Millrace",
    "SITE_ICON": "console.theme.icon",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "console.theme.icon"}],
    "STYLES": ["console.theme.stylesheet"],
    "COLORS": {"primary": "console.theme.primary"},
    "SHOW_HISTORY": False,
    "DASHBOARD_CALLBACK": "console.dashboard.context",
    "SIDEBAR": {"show_search": True, "navigation": "console.navigation.sidebar"},
}
