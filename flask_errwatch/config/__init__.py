"""The configuration: its keys, their defaults and checks, read once per app into a `Config`."""

from flask_errwatch.config.aws_values import NAME_LENGTH, RETENTION_DAYS
from flask_errwatch.config.reading import Origin, load, read
from flask_errwatch.config.settings import Config
from flask_errwatch.config.spelling import misspelt_variables

__all__ = [
    "NAME_LENGTH",
    "RETENTION_DAYS",
    "Config",
    "Origin",
    "load",
    "misspelt_variables",
    "read",
]
