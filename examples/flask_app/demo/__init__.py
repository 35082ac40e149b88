"""One hour of the shop in 20 seconds: `python -m examples.flask_app.demo`."""
