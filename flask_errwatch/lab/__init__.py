"""The embedded CloudWatch on loopback: moto's server, with the judge beside it."""

from flask_errwatch.lab.app_server import (
    PortUnavailableError,
    check_app_uses_lab,
    listen,
    serve_app,
    shell_exports,
)
from flask_errwatch.lab.clock import Clock
from flask_errwatch.lab.environment import TOPIC_WITH_SUBSCRIBER
from flask_errwatch.lab.lab import Lab, LabFailedError
from flask_errwatch.lab.moto_server import LabMissingError
from flask_errwatch.lab.surroundings import create_web_acl, create_what_others_own

__all__ = [
    "TOPIC_WITH_SUBSCRIBER",
    "Clock",
    "Lab",
    "LabFailedError",
    "LabMissingError",
    "PortUnavailableError",
    "check_app_uses_lab",
    "create_web_acl",
    "create_what_others_own",
    "listen",
    "serve_app",
    "shell_exports",
]
