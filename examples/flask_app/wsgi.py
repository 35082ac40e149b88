"""The shop as WSGI servers want it: `examples.flask_app.wsgi:app`."""

from examples.flask_app import create_app

app = create_app()
