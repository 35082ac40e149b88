"""Excludes a file that is not a module from the search for doctests."""

collect_ignore = ["gunicorn.conf.py"]
