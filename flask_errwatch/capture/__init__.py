"""From a WSGI request, an exception or a report to one rendered line."""
