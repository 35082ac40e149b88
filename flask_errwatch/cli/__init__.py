"""`flask errwatch …`: each command parses its options, calls the library and prints."""

from flask_errwatch.cli.commands import errwatch

__all__ = ["errwatch"]
