"""The embedded CloudWatch on loopback: moto's server, with the judge beside it."""

from flask_errwatch.lab.clock import Clock
from flask_errwatch.lab.lab import Lab, LabFailedError
from flask_errwatch.lab.server import LabMissingError

__all__ = ["Clock", "Lab", "LabFailedError", "LabMissingError"]
