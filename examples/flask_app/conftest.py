"""Keeps pytest's search for doctests away from what is no module."""

collect_ignore = ["gunicorn.conf.py"]
