"""Delivers rendered lines: to CloudWatch Logs through the journal, or to another sink."""

from flask_errwatch.delivery.default_sinks import SinkChoice
from flask_errwatch.delivery.stats import Stats
from flask_errwatch.delivery.transport import Delivery

__all__ = ["Delivery", "SinkChoice", "Stats"]
