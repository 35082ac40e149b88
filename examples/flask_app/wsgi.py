"""The WSGI application for servers: `examples.flask_app.wsgi:app`."""

from examples.flask_app import create_app

app = create_app()
