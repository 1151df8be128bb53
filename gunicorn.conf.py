"""For ``gunicorn -c gunicorn.conf.py wsgi:app``: the settings are the package's."""

from omsflask.standalone.gunicorn_conf import *  # noqa: F403
