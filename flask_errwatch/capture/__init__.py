"""Capture: turns a failed WSGI request, an exception or a report into one rendered line."""
