"""Configuration and catalogue of a function, from its environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flask_errwatch import config as configuration
from flask_errwatch.config import Config
from flask_errwatch.detectors import DEFAULT_DETECTORS, SECURITY_DETECTORS, Catalogue
from flask_errwatch.errors import ConfigurationError, Problem

#: The detectors that are known without the app. AWS has the alarms and filters of its own ones:
#: the catalogue only adds what is known of them.
CATALOGUE: Final = Catalogue((*DEFAULT_DETECTORS, *SECURITY_DETECTORS))


def read_settings(environ: Mapping[str, str]) -> Config:
    """The configuration.

    Args:
        environ: The process environment: `ERRWATCH_APP_NAME` and the other keys.

    Raises:
        ConfigurationError: Lists all problems.
    """
    if not environ.get("ERRWATCH_APP_NAME"):
        remedy = "No app is imported, which would have it: set it to the app's name."
        raise ConfigurationError(Problem(key="ERRWATCH_APP_NAME", value=None, remedy=remedy))
    return configuration.load({}, environ, app_name="")


def report_topic(config: Config) -> str:
    """The ARN of the topic for reports.

    Raises:
        ConfigurationError: When none is configured.
    """
    if config.report_topic is None:
        remedy = "The function publishes its reports there: set it to the ARN of a topic."
        raise ConfigurationError(Problem(key="ERRWATCH_REPORT_TOPIC", value=None, remedy=remedy))
    return config.report_topic
