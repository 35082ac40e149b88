"""How gunicorn serves the shop; every value can be given in the environment or by an option."""
# ruff: noqa: N999  # gunicorn looks for this name

import os

bind = os.environ.get("SHOP_BIND", "127.0.0.1:8000")
workers = int(os.environ.get("SHOP_WORKERS", "2"))
# Longer than ERRWATCH_SHUTDOWN_TIMEOUT: a stopping worker sends the lines it still has.
graceful_timeout = 10
accesslog = None
# The address that reaches the lines is derived by the library: set ERRWATCH_TRUSTED_PROXIES
# to the number of proxies in front, and leave the socket's own address as it is.
forwarded_allow_ips = ""
# Nothing is controlled through it, and it would leave a socket in the home folder.
control_socket_disable = True
