"""The standalone app for a WSGI server: ``gunicorn wsgi:app``."""

import sys

from omsflask.settings import SettingError
from omsflask.standalone.app import create_app

try:
    app = create_app()
except SettingError as error:
    sys.exit(f"Error: {error}")
