"""How lines leave the process: into the journal first, and from there to CloudWatch Logs."""

from flask_errwatch.delivery.outlet import Delivery, Stats

__all__ = ["Delivery", "Stats"]
