"""Flask applications as their own intrusion and failure detectors on AWS."""

__version__ = "0.1.0"
