"""The standalone app for a WSGI server: ``gunicorn wsgi:app``."""

from omsflask.app import create_app

app = create_app()
