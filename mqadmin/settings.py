"""Django settings. Everything that differs between installations comes from the environment.

`MQADMIN_VAR` is the one folder that is written to: database, secret key, logs, sockets.
"""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONE, SELF

from mqadmin import given, place
from mqadmin.base_path import base_path
from mqadmin.database_url import database
from mqadmin.secret_key import secret_key


def _folders(package: str) -> list[str]:
    """Return where a package lies, which is not imported."""
    found = find_spec(package)
    return list(found.submodule_search_locations or ()) if found else []


BASE_DIR = place.FILES  # of templates, static files and locale
try:
    VAR_DIR = place.var(os.environ)
except RuntimeError:
    raise given.Unusable("MQADMIN_VAR must name a folder: this user has no home.") from None
place.include_work()

given.refuse_placeholders()
DEBUG = given.flag("MQADMIN_DEBUG")
HTTPS = given.flag("MQADMIN_HTTPS")
SECRET_KEY = secret_key(os.environ, VAR_DIR / "secret-key")
try:
    BASE_PATH = base_path(os.environ)
except ValueError as error:
    raise given.Unusable(str(error)) from None
FORCE_SCRIPT_NAME = BASE_PATH or None
ALLOWED_HOSTS = given.words("MQADMIN_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = given.origins("MQADMIN_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "axes",
    "csp",
    # Their tables; their pages, checks and middleware are not used (ADR 54).
    "mqadmin.core.access.library.AccountConfig",
    "mqadmin.core.access.library.SocialAccountConfig",
    "mqadmin.core.access.library.MFAConfig",
    "mqadmin.core",
    "mqadmin.history",
    "mqadmin.approvals",
    "mqadmin.queues",
    "consumers",
    "mqadmin.deadletters",
    "mqadmin.alerts",
    "mqadmin.administration",
    "mqadmin.definitions",
    "mqadmin.passing",
    "mqadmin.accounts",
]

MIDDLEWARE = [
    "mqadmin.core.access.middleware.TrustedProxiesMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "mqadmin.core.pages.middleware.FragmentCacheMiddleware",
    "mqadmin.core.pages.visible.VisibleMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "mqadmin.core.pages.sign_on.SignOnMiddleware",
    "mqadmin.core.pages.middleware.AskingMiddleware",
    "mqadmin.core.pages.middleware.SignInRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "mqadmin.core.pages.middleware.FaultPagesMiddleware",
    "axes.middleware.AxesMiddleware",
    "mqadmin.deadletters.masking.middleware.RevealingMiddleware",
]

ROOT_URLCONF = "mqadmin.urls"
_LOADERS = ["django.template.loaders.filesystem.Loader", "django.template.loaders.app_directories.Loader"]
WSGI_APPLICATION = "mqadmin.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": _LOADERS if DEBUG else [("mqadmin.core.templating.quick.Loader", _LOADERS)],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "mqadmin.core.pages.context.shell",
            ],
            "builtins": [
                "mqadmin.core.templatetags.mqadmin",
                "mqadmin.core.templatetags.prose",
                "mqadmin.core.templatetags.tables",
                "mqadmin.core.templatetags.traces",
            ],
        },
    },
]

DATABASE_URL = os.environ.get("DATABASE_URL") or f"sqlite:///{VAR_DIR / 'mqadmin.sqlite3'}"
DATABASES = {"default": database(DATABASE_URL)}

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "mqadmin.core.access.telling.PasswordChanges"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "login"
AXES_HANDLER = "mqadmin.core.access.handler.SignIns"
AXES_CLIENT_IP_CALLABLE = "mqadmin.core.access.addresses.client"
AXES_FAILURE_LIMIT = 8  # wrong passwords for a name from an address
AXES_COOLOFF_TIME = 0.25  # hours
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # nobody keeps a lock up by trying on
AXES_VERBOSE = False
AXES_LOCKOUT_TEMPLATE = "core/locked_out.html"

MQADMIN_SIGN_IN_LIMIT = 40  # wrong passwords for a name from everywhere, and from an address for all names
# Whose X-Forwarded-For, and X-Forwarded-Proto, is believed: addresses, networks, "unix".
MQADMIN_TRUSTED_PROXIES = given.words("MQADMIN_TRUSTED_PROXIES")
# Who signs on at a proxy: the header with their name, that with their groups, roles of groups ("*": everybody's).
MQADMIN_SIGN_ON_HEADER = os.environ.get("MQADMIN_SIGN_ON_HEADER", "").strip()
MQADMIN_SIGN_ON_GROUPS_HEADER = os.environ.get("MQADMIN_SIGN_ON_GROUPS_HEADER", "").strip()
MQADMIN_SIGN_ON_ROLES = given.pairs("MQADMIN_SIGN_ON_ROLES", ("viewer", "operator", "admin"))
MQADMIN_SIGN_OUT_URL = given.there("MQADMIN_SIGN_OUT_URL")  # where who signed on is signed out
# Who signs on at an OpenID provider: its address, what it knows mqadmin by, what its button is called.
MQADMIN_OIDC_ISSUER = given.issuer("MQADMIN_OIDC_ISSUER")
MQADMIN_OIDC_CLIENT_ID = os.environ.get("MQADMIN_OIDC_CLIENT_ID", "").strip()
MQADMIN_OIDC_CLIENT_SECRET = os.environ.get("MQADMIN_OIDC_CLIENT_SECRET", "").strip()
MQADMIN_OIDC_NAME = (
    os.environ.get("MQADMIN_OIDC_NAME", "").strip() or urlsplit(MQADMIN_OIDC_ISSUER).hostname or ""
)
MQADMIN_OIDC_SCOPES = given.scopes("MQADMIN_OIDC_SCOPES", "openid profile email")
# What it says of people: the claim that names their account, that with their groups, roles of groups.
MQADMIN_OIDC_NAME_CLAIM = os.environ.get("MQADMIN_OIDC_NAME_CLAIM", "").strip() or "preferred_username"
MQADMIN_OIDC_GROUPS_CLAIM = os.environ.get("MQADMIN_OIDC_GROUPS_CLAIM", "groups").strip()
MQADMIN_OIDC_ROLES = given.pairs("MQADMIN_OIDC_ROLES", ("viewer", "operator", "admin"))
MQADMIN_OIDC_HOURS = given.number("MQADMIN_OIDC_HOURS", 12.0, 0.1)  # after which one signs on again
# Whose password is not enough.
MQADMIN_REQUIRE_TWO_FACTOR = given.one_of("MQADMIN_REQUIRE_TWO_FACTOR", "off", ("off", "admins", "everybody"))
# Off: passwords open nothing but the account that is for emergencies.
MQADMIN_LOCAL_ACCOUNTS = given.flag("MQADMIN_LOCAL_ACCOUNTS", True)
MQADMIN_EMERGENCY_ACCOUNT = os.environ.get("MQADMIN_EMERGENCY_ACCOUNT", "").strip() or "admin"
MFA_ADAPTER = "mqadmin.accounts.two_factor.adapter.Adapter"
MFA_TOTP_ISSUER = "mqadmin"
MFA_TOTP_TOLERANCE = 1  # steps of 30 s: telephones are not always on time
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
# API tokens that nobody used for so many days are revoked; 0: never.
MQADMIN_TOKENS_DAYS = given.number("MQADMIN_TOKENS_DAYS", 365.0, 0.0)

# Of this path alone, and under names of its own: others on the same host have sessions too, and a browser sends
# those of all paths above.
_COOKIES = BASE_PATH.replace("/", ".")
SESSION_ENGINE = "mqadmin.core.access.sessions"
SESSION_COOKIE_NAME = f"sessionid{_COOKIES}"
CSRF_COOKIE_NAME = f"csrftoken{_COOKIES}"
LANGUAGE_COOKIE_NAME = f"django_language{_COOKIES}"
MQADMIN_WALL_COOKIE = f"mqadmin_wall{_COOKIES}"
MQADMIN_BROWSER_COOKIE = f"mqadmin_browser{_COOKIES}"
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = LANGUAGE_COOKIE_PATH = BASE_PATH or "/"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "mqadmin.core.pages.faults.csrf_failure"
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [f"^{re.escape(f'{BASE_PATH}/healthz'[1:])}$"]  # asked by what is no trusted proxy
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if given.flag("MQADMIN_BEHIND_PROXY") else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF, *given.origin(MQADMIN_SIGN_OUT_URL)],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    },
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
# What is sent to where nobody asks, such as alerts, is written in this one.
MQADMIN_LANGUAGE = given.one_of("MQADMIN_LANGUAGE", "en", [code for code, _name in LANGUAGES])
# A folder a part: several people translate at once (docs/i18n.md).
LOCALE_PATHS = sorted(path for path in (BASE_DIR / "locale").iterdir() if path.is_dir())
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_SECURE = HTTPS
TIME_ZONE = given.zone("TZ", "UTC")
USE_TZ = True
USE_I18N = True

STATIC_URL = f"{BASE_PATH}/static/"
STATIC_ROOT = Path(os.environ.get("MQADMIN_STATIC_ROOT", VAR_DIR / "static"))
# The API's own page shows with the files of ninja, which as an app would be 12 MB in each process that has no API.
STATICFILES_DIRS = [BASE_DIR / "static", *(f"{folder}/static" for folder in _folders("ninja"))]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 1024 * 1024
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

LOG_LEVEL = given.one_of("MQADMIN_LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "mqadmin.core.loglines.Line",
            "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["refused_in_a_line", "database_in_a_line", "telemetry_once_a_minute"],
        },
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "filters": {
        "in_a_line": {"()": "mqadmin.core.loglines.InALine"},
        "database_in_a_line": {"()": "mqadmin.core.loglines.DatabaseInALine"},
        "refused_in_a_line": {"()": "mqadmin.core.loglines.RefusedInALine"},
        "telemetry_once_a_minute": {"()": "mqadmin.telemetry.quiet.OnceAMinute"},
    },
    "loggers": {
        # Each failure in pika comes out as a RabbitError, in words; its log repeats it six times, with tracebacks.
        "pika": {"level": "CRITICAL"},
        "axes": {"level": "WARNING"},
        "urllib3": {"level": "INFO"},  # below, it says whole addresses, secrets in them too
        "celery.beat": {"filters": ["in_a_line"]},
        "celery.worker": {"filters": ["in_a_line"]},
        "celery.worker.consumer.consumer": {"filters": ["in_a_line"]},
        "celery.worker.request": {"filters": ["in_a_line"]},
    },
}

# --- RabbitMQ -------------------------------------------------------------------------------------------
# Read lazily (mqadmin.core.brokers), so that a wrong broker file is a message on a page, not a traceback.
MQADMIN_BROKERS_FILE = os.environ.get("MQADMIN_BROKERS_FILE", "")
# A file in a repository that says what consumers there are; "" where people define them here alone.
MQADMIN_CONSUMERS_FILE = os.environ.get("MQADMIN_CONSUMERS_FILE", "")
MQADMIN_SAMPLE_SECONDS = given.number("MQADMIN_SAMPLE_SECONDS", 5.0, 0.1)
# One point in 5 s is kept for two hours, and so on: see docs/configuration.md.
MQADMIN_HISTORY = os.environ.get("MQADMIN_HISTORY") or "5s:2h,1m:2d,10m:90d"
MQADMIN_HANDLERS = [
    "consumers.handlers.builtin",
    "consumers.handlers.reference",
    *given.words("MQADMIN_HANDLERS"),
]
# A webhook never calls a private address, whatever its consumer allows.
MQADMIN_FORBID_PRIVATE_ADDRESSES = given.flag("MQADMIN_FORBID_PRIVATE_ADDRESSES")
MQADMIN_PARKING_QUEUE = os.environ.get("MQADMIN_PARKING_QUEUE", "mqadmin.parking")
# A dead letter whose body has more bytes is not captured: it stays in its queue.
MQADMIN_LETTER_BYTES = given.number("MQADMIN_LETTER_BYTES", 16_000_000, 1)
# Alerts: seconds between two looks, days for which incidents are kept, the address in messages, and the one that is
# asked each minute while all is well.
MQADMIN_ALERTS_SECONDS = given.number("MQADMIN_ALERTS_SECONDS", 5.0, 0.1)
MQADMIN_ALERTS_DAYS = given.number("MQADMIN_ALERTS_DAYS", 90.0, 0.0)
MQADMIN_DEFINITIONS_SECONDS = given.number("MQADMIN_DEFINITIONS_SECONDS", 60.0, 0.0)
MQADMIN_DEFINITIONS_DAYS = given.number("MQADMIN_DEFINITIONS_DAYS", 365.0, 0.0)
MQADMIN_DEFINITIONS_VERSIONS = given.number("MQADMIN_DEFINITIONS_VERSIONS", 1_000, 1)
MQADMIN_PUBLIC_URL = given.address("MQADMIN_PUBLIC_URL").rstrip("/")
MQADMIN_HEARTBEAT_URL = given.address("MQADMIN_HEARTBEAT_URL")
# Where a trace is looked at, with {trace_id} in it: what a page leads to.
MQADMIN_TRACE_URL = given.template("MQADMIN_TRACE_URL", "trace_id")
# Where each act of the audit log is posted; the variable MQADMIN_AUDIT_WEBHOOK_SECRET signs it.
MQADMIN_AUDIT_WEBHOOK = given.address("MQADMIN_AUDIT_WEBHOOK")
MQADMIN_SUPERVISOR_ON_EXIT = given.one_of("MQADMIN_SUPERVISOR_ON_EXIT", "leave", ("leave", "stop"))
# How supervisors start consumers: forked from one process that has imported what they need ("handlers": the
# modules of MQADMIN_HANDLERS too), or each by itself.
MQADMIN_FORK = given.one_of("MQADMIN_FORK", "on", ("on", "handlers", "off"))
# Fields of letters that only operators may reveal: header.NAME, payload.PATH, payload.*.NAME.
MQADMIN_MASKED = given.words("MQADMIN_MASKED")
# The file that says which bodies are Protocol Buffers or Avro: `mqadmin.core.schemas`.
MQADMIN_SCHEMAS = os.environ.get("MQADMIN_SCHEMAS", "")
# Letters go so many days after somebody decided them, and those that nobody decided after their capture; 0: never.
MQADMIN_LETTERS_DAYS = given.number("MQADMIN_LETTERS_DAYS", 30.0, 0.0)
MQADMIN_LETTERS_PARKED_DAYS = given.number("MQADMIN_LETTERS_PARKED_DAYS", 0.0, 0.0)
# Four eyes: from how many messages on an act on a production broker waits for a second person (0: never); and from
# how many objects on (queues, exchanges, connections ...). For how many hours it waits, within how many minutes one
# person's acts of a kind count together, and which accounts may go ahead alone in an emergency.
MQADMIN_FOUR_EYES = given.number("MQADMIN_FOUR_EYES", 0, 0)
MQADMIN_FOUR_EYES_OBJECTS = given.number("MQADMIN_FOUR_EYES_OBJECTS", 10, 1)
MQADMIN_FOUR_EYES_HOURS = given.number("MQADMIN_FOUR_EYES_HOURS", 24.0, 0.1)
MQADMIN_FOUR_EYES_MINUTES = given.number("MQADMIN_FOUR_EYES_MINUTES", 60.0, 0.0)
MQADMIN_FOUR_EYES_ALONE = given.words("MQADMIN_FOUR_EYES_ALONE")
# Records of handled messages: deleted after so many days, and the oldest beyond so many.
MQADMIN_RECORDS_DAYS = given.number("MQADMIN_RECORDS_DAYS", 14.0, 0.0)
MQADMIN_RECORDS_MAX = given.number("MQADMIN_RECORDS_MAX", 1_000_000, 0)

# --- Celery ---------------------------------------------------------------------------------------------
CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL", "")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_DEFAULT_QUEUE = "mqadmin.tasks"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_TIMEOUT = 4
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker waits for its broker as long as it takes
# Once, at once: without a second try beat would hold on to a connection that was lost, for ever.
CELERY_TASK_PUBLISH_RETRY = True
CELERY_TASK_PUBLISH_RETRY_POLICY = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
}
CELERY_BEAT_SCHEDULE = {
    # expires: nudges that no worker took must not pile up.
    "resume-orphaned-operations": {
        "task": "mqadmin.core.resume_operations",
        "schedule": 5.0,
        "options": {"expires": 10.0},
    },
    "index-letters": {
        "task": "mqadmin.deadletters.index_letters",
        "schedule": 20.0,
        "options": {"expires": 20.0},
    },
    "write-down-claims": {
        "task": "mqadmin.deadletters.write_down_claims",
        "schedule": 5.0,
        "options": {"expires": 5.0},
    },
    "retry-letters": {
        "task": "mqadmin.deadletters.retry_letters",
        "schedule": 5.0,
        "options": {"expires": 5.0},
    },
    "look-at-breakers": {
        "task": "mqadmin.deadletters.look_at_breakers",
        "schedule": 5.0,
        "options": {"expires": 5.0},
    },
    "retention": {"task": "mqadmin.core.retention", "schedule": 600.0, "options": {"expires": 600.0}},
}
