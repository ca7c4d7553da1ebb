"""Settings. Every one that an operator may change comes from the environment and has a default that
works on one machine with nothing installed beside Python (see the table in README.md)."""

import socket
from pathlib import Path

import django_stubs_ext
import environ
from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from kombu import Exchange, Queue

from mcpchat_project.environment import number, numbers, registries, storage, switch
from mcpchat_project.secret_key import secret_key

# Makes Django's generic classes subscriptable, as their types say they are.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
if (BASE_DIR / ".env").is_file():
    env.read_env(str(BASE_DIR / ".env"))

VAR_DIR = Path(env.str("MCPCHAT_VAR", default=str(BASE_DIR / "var"))).resolve()
RUN_DIR = VAR_DIR / "run"
LOCK_DIR = RUN_DIR / "locks"
WORK_DIR = VAR_DIR / "work"
LOG_DIR = VAR_DIR / "log"
MEDIA_ROOT = VAR_DIR / "media"
# Within it, so that hosts which share what exports are stored in share files too.
FILES_DIR = MEDIA_ROOT / "files"
STATIC_ROOT = VAR_DIR / "static"
for folder in (VAR_DIR, RUN_DIR, LOCK_DIR, WORK_DIR, LOG_DIR, MEDIA_ROOT, FILES_DIR, STATIC_ROOT):
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)

DEBUG = switch(env, "DEBUG")
SECRET_KEY = env.str("SECRET_KEY", default="") or secret_key(VAR_DIR / "secret_key")
HOST_ID = env.str("MCPCHAT_HOST_ID", default=socket.gethostname())
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
HTTPS = switch(env, "HTTPS")

INSTALLED_APPS = [
    "exports_app",
    "agents_app",
    "sessions_app",
    "mcpchat_project.accounts",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "django_filters",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "mcpchat_project.static_files.StaticFiles",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "mcpchat_project.urls"
ASGI_APPLICATION = "mcpchat_project.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "exports_app.page.limits",
            ],
        },
    }
]

DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'mcpchat.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"] |= {
        "ENGINE": "mcpchat_project.sqlite_gate",
        "OPTIONS": {
            # The keeper moves the log into the database (`checkpoint`) long before it has 20,000 pages; a log
            # that began anew is cut, so that its size tells how much there is to move.
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=20000; "
                "PRAGMA journal_size_limit=1000000;"
            ),
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
        },
        # Tests run real workers: an in-memory database would be theirs alone.
        "TEST": {"NAME": str(VAR_DIR / "test.sqlite3")},
    }
elif DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    DATABASES["default"] |= {
        "ENGINE": "mcpchat_project.postgres",
        # A connection lives as long as a request or a task: under ASGI each request has a thread of its own,
        # and a connection that outlived it would stay open and never be used again.
        "CONN_MAX_AGE": 0,
    }
else:
    raise ImproperlyConfigured("DATABASE_URL must name SQLite (sqlite:///…) or PostgreSQL (postgres://…).")
# A SQLite file belongs to one machine. Where several can share a database, each ends its own work once it can
# no longer renew its leases, because the others then run it.
SEVERAL_HOSTS = DATABASES["default"]["ENGINE"] == "mcpchat_project.postgres"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Longer than the longest task: a shorter one delivers healthy work twice (celery issue 5935).
    "visibility_timeout": 6 * 3600,
    "unacked_restore_throttle": 1,
    "socket_keepalive": True,
    "health_check_interval": 10,
    # A request that queues work must not wait for a broker that is away: the keeper sends again.
    "socket_connect_timeout": 1,
    "socket_timeout": 1.5,
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.1,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 2.0
# A worker keeps its connection to the database: making one costs more than starting a subagent.
CELERY_DB_REUSE_MAX = 1000
CELERY_TASK_DEFAULT_QUEUE = "maintenance"
CELERY_TASK_QUEUES = [
    # An exchange each: queues that share the default one and its key would all get every message.
    Queue(name, Exchange(name), routing_key=name)
    for name in ("chat", "tools", "exports", "maintenance")
]
CELERY_BEAT_SCHEDULER = "agents_app.beat:OneOfAll"
# What was sent is written down at once: the beat that takes over must know.
CELERY_BEAT_SYNC_EVERY = 1
CELERY_BEAT_SCHEDULE = {
    "maintenance": {
        "task": "agents_app.tasks.run_maintenance",
        # Each hour; which of the hourly runs is a deep clean is decided by `agents_app.maintenance.runs`.
        "schedule": crontab(minute=0),
        # A run that could not start within the hour is left to the next one.
        "options": {"expires": 3000},
    },
}
CELERY_TIMEZONE = "UTC"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "chat"
LOGOUT_REDIRECT_URL = "login"
LOGIN_LINK_SECONDS = 24 * 3600

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "knox.auth.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["sessions_app.parsing.BoundedJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "sessions_app.pagination.NewestFirst",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "sessions_app.problems.handle",
    "PAGE_SIZE": 50,
    # Counted in each web process: a bound on what one client can ask of it, not an account.
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.UserRateThrottle",
        "rest_framework.throttling.AnonRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "user": f"{number(env, 'API_REQUESTS_PER_MINUTE', 3000)}/min",
        "anon": "60/min",
    },
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
REST_KNOX = {"TOKEN_TTL": None, "AUTH_HEADER_PREFIX": "Token"}
SPECTACULAR_SETTINGS = {
    "TITLE": "MCP Chat",
    "DESCRIPTION": "Chat sessions, their messages, subagents and exports. Errors are RFC 9457 problem+json.",
    "VERSION": "0.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "ChatSessionState": "sessions_app.models.ChatSession.State",
        "MessageState": "sessions_app.models.Message.State",
        "SubagentState": "sessions_app.payloads.agents.SUBAGENT_STATES.words",
        "RunState": "sessions_app.payloads.forms.RUN_STATES.words",
        "McpServerApproval": "agents_app.mcp_servers.presentation.APPROVALS.words",
        "CallApproval": "agents_app.mcp_servers.presentation.CALL_APPROVALS.words",
        "TurnState": "agents_app.models.Turn.State",
        "ApprovalScope": "agents_app.approvals.SCOPES",
        "McpServerScope": "agents_app.mcp_servers.presentation.SCOPES.words",
    },
}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
# Who asks for health stands beside the process, not behind the proxy.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
if switch(env, "BEHIND_PROXY"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
# Served straight from the packages: nothing to collect, so a start needs no extra step.
WHITENOISE_USE_FINDERS = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "uvicorn.access": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
        "httpx2": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
    },
}

# The chat
MCPCHAT_MODEL = env.str("MCPCHAT_MODEL", default="demo")
MESSAGE_MAX_CHARACTERS = number(env, "MESSAGE_MAX_CHARACTERS", 32_000)
# A model of one's own may read for minutes before it says its first word.
MODEL_FIRST_TOKEN_SECONDS = number(env, "MODEL_FIRST_TOKEN_SECONDS", 300)
# What a model can read: known for most, else this; MCPCHAT_MODEL_CONTEXT says it for single ones.
MODEL_CONTEXT_TOKENS = number(env, "MODEL_CONTEXT_TOKENS", 32_000)
MODEL_CONTEXTS = numbers(env, "MCPCHAT_MODEL_CONTEXT")
# What is sent of a long conversation, however much the model could read: each answer pays for it.
HISTORY_MAX_TOKENS = number(env, "HISTORY_MAX_TOKENS", 100_000)
TURN_TIMEOUT_SECONDS = number(env, "TURN_TIMEOUT_SECONDS", 600)
TURN_MAX_STEPS = number(env, "TURN_MAX_STEPS", 50)
# So often results may wake the main agent before somebody says something again.
WAKES_WITHOUT_USER = number(env, "WAKES_WITHOUT_USER", 20)
# A call of an MCP server's tool that has not answered by then goes on in the background.
BACKGROUND_AFTER_SECONDS = number(env, "BACKGROUND_AFTER_SECONDS", 10)
CHAT_CONCURRENCY = number(env, "CHAT_CONCURRENCY", 24)
# In each web process.
FEED_SOCKETS_PER_USER = number(env, "FEED_SOCKETS_PER_USER", 100)

# The agent pool. Caps live in the database (Pool rows) and can be changed while running; these are the
# hardware ceiling and the defaults of the first start.
AGENTS_CONCURRENCY = number(env, "AGENTS_CONCURRENCY", 6)
POOL_DEFAULTS = {"tools": 3, "exports": 2}
# Renewed every second. With the 2 s that other hosts wait on top, lost work runs again within 8 s.
LEASE_SECONDS = 5.0
CANCEL_GRACE_SECONDS = 3.0
RESEND_AFTER_SECONDS = 5.0

# Modules with tools of the operator's own, loaded beside the built-in ones.
TOOL_MODULES = env.list("MCPCHAT_TOOL_MODULES", default=[])

# A file with `mcpServers` JSON that is read at each start.
MCP_CONFIG = env.str("MCPCHAT_MCP_CONFIG", default="")

# What tools may touch
ALLOWED_FOLDERS = [Path(folder).resolve() for folder in env.list("MCPCHAT_ALLOWED_FOLDERS", default=[])]
ALLOWED_GIT_HOSTS = env.list("MCPCHAT_ALLOWED_GIT_HOSTS", default=[])
# Hosts of MCP servers that any user may add although their address is private.
ALLOWED_MCP_HOSTS = env.list("MCPCHAT_ALLOWED_MCP_HOSTS", default=[])
# Where the newest versions of dependencies are asked for, and packages that nobody is told of.
PACKAGE_REGISTRIES = registries(
    env,
    "PACKAGE_REGISTRIES",
    {
        "pypi": "https://pypi.org/simple",
        "npm": "https://registry.npmjs.org",
        "cargo": "https://index.crates.io",
        "golang": "https://proxy.golang.org",
        "gem": "https://rubygems.org",
        "composer": "https://repo.packagist.org",
        "maven": "https://repo1.maven.org/maven2",
    },
)
PRIVATE_PACKAGES = env.list("PRIVATE_PACKAGES", default=[])
REPOSITORY_MAX_BYTES = number(env, "REPOSITORY_MAX_BYTES", 1024**3)
LARGE_FILE_MAX_BYTES = number(env, "LARGE_FILE_MAX_BYTES", 10 * 1024**3)
ALLOWED_FILE_HOSTS = env.list("MCPCHAT_ALLOWED_FILE_HOSTS", default=[])

EXPORT_DAYS = number(env, "EXPORT_DAYS", 7)
_FOLDER = "django.core.files.storage.FileSystemStorage"
STORAGES = {
    "default": {"BACKEND": _FOLDER},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    # A folder by default, which is MEDIA_ROOT.
    "exports": storage(env, "EXPORT_STORAGE", _FOLDER),
}
IMPORT_MAX_BYTES = number(env, "IMPORT_MAX_BYTES", 32 * 1024**2)

# Files: what users upload and what work delivers
UPLOAD_MAX_BYTES = number(env, "UPLOAD_MAX_BYTES", 2 * 1024**3)
FILES_USER_MAX_BYTES = number(env, "FILES_USER_MAX_BYTES", 10 * 1024**3)
FILES_DAYS = number(env, "FILES_DAYS", 7)

# The maintenance agent and the monitor
SESSION_IDLE_HOURS = number(env, "SESSION_IDLE_HOURS", 24, least=0)
EVENT_DAYS = number(env, "EVENT_DAYS", 90)
LOG_MAX_BYTES = number(env, "LOG_MAX_BYTES", 10 * 1024**2)
LOG_KEEP = number(env, "LOG_KEEP", 7)
# Lets a Prometheus read /metrics with `Authorization: Bearer …`; staff may read it without.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
