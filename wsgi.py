"""The standalone app for a WSGI server: ``gunicorn wsgi:app``."""

import sys

from omsflask.app import create_app
from omsflask.settings import SettingError

try:
    app = create_app()
except SettingError as error:
    sys.exit(f"Error: {error}")
