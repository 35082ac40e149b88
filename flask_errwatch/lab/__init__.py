"""The embedded CloudWatch on loopback: moto's server, with the judge beside it."""

from flask_errwatch.lab.app_server import (
    check_app_uses_lab,
    serve_app,
    shell_exports,
)
from flask_errwatch.lab.clock import Clock
from flask_errwatch.lab.lab import Lab, LabFailedError
from flask_errwatch.lab.moto_server import LabMissingError

__all__ = [
    "Clock",
    "Lab",
    "LabFailedError",
    "LabMissingError",
    "check_app_uses_lab",
    "serve_app",
    "shell_exports",
]
