"""One hour of the shop's life in 20 seconds: `python -m examples.flask_app.demo`."""
