"""The application for a web server: `gunicorn wsgi:app`."""

from campaigns_app import create_app

app = create_app()
