"""The configuration: its keys, their defaults and checks, read once per app into a `Config`."""

from flask_errwatch.config.reading import load, read
from flask_errwatch.config.settings import Config
from flask_errwatch.config.values import NAME_LENGTH, RETENTION_DAYS

__all__ = ["NAME_LENGTH", "RETENTION_DAYS", "Config", "load", "read"]
