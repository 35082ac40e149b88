"""Masks secrets: values of secret keys, and secrets inside texts and paths."""

from __future__ import annotations

from flask_errwatch.capture.redaction.redactor import Redactor
from flask_errwatch.capture.redaction.requests import RequestRedactor
from flask_errwatch.capture.redaction.texts import MARGIN, MASK, Effort, size_of

__all__ = ["MARGIN", "MASK", "Effort", "Redactor", "RequestRedactor", "size_of"]
