"""Configuration of gunicorn. The environment and command line options override it."""
# ruff: noqa: N999  # gunicorn looks for this name

import os

bind = os.environ.get("SHOP_BIND", "127.0.0.1:8000")
workers = int(os.environ.get("SHOP_WORKERS", "2"))
# Longer than ERRWATCH_SHUTDOWN_TIMEOUT, so that a stopping worker can send its pending lines.
graceful_timeout = 10
accesslog = None
# The library derives the client address of a line: set ERRWATCH_TRUSTED_PROXIES to the number
# of proxies in front, and let gunicorn keep the address of the socket.
forwarded_allow_ips = ""
# It is not used, and would leave a socket in the home directory.
control_socket_disable = True
