"""Django's settings, as for production."""

import os
import secrets

from sqlalchemy import make_url

_url = make_url(os.environ["OMS_DATABASE_URL"])

SECRET_KEY = secrets.token_hex()
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "benchmarks.drf.urls"
INSTALLED_APPS = ["rest_framework", "django_filters", "benchmarks.drf"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]  # It says how long an answer is.
TIME_ZONE = "UTC"

ENGINES = {"postgresql": "postgresql", "sqlite": "sqlite3"}

DATABASES = {
    "default": {
        "ENGINE": f"django.db.backends.{ENGINES[_url.get_backend_name()]}",
        "NAME": _url.database,
        "USER": _url.username or "",
        "PASSWORD": _url.password or "",
        "HOST": _url.host or _url.query.get("host", ""),
        "PORT": _url.port or "",
        "CONN_MAX_AGE": None,
    }
}

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "ORDERING_PARAM": "sort",
    "UNAUTHENTICATED_USER": None,
}
