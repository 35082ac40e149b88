"""Delivery: line -> journal -> CloudWatch Logs, or another sink."""

from flask_errwatch.delivery.stats import Stats
from flask_errwatch.delivery.transport import Delivery

__all__ = ["Delivery", "Stats"]
