"""CloudWatch's filter-pattern language, offline: values in, values out."""

from flask_errwatch.errors import PatternSyntaxError
from flask_errwatch.patterns._build import Field, field

__all__ = ["Field", "PatternSyntaxError", "field"]
