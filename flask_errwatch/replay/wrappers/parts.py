"""Joins the parts of lines that a container runtime cut: most cut a line after 16 KiB."""

from __future__ import annotations

from typing import Final

#: The longest line that is joined, in characters. CloudWatch takes no longer event (API Reference,
#: PutLogEvents: 1 MiB).
_LONGEST: Final = 1 << 20


class Parts:
    """The parts of the lines of a log that did not end yet, of each of its streams."""

    def __init__(self) -> None:
        self._begun: dict[str, tuple[str, str]] = {}

    def __bool__(self) -> bool:
        return bool(self._begun)

    def begin(self, stream: str, time: str, text: str) -> None:
        """Adds a part of a line that is continued. What is too long is left out.

        Args:
            stream: The stream of the part: a log has few of them.
            time: The time of the part: that of the first counts.
            text: The part.
        """
        time, before = self._begun.get(stream, (time, ""))
        self._begun[stream] = (time, before if len(before) > _LONGEST else before + text)

    def end(self, stream: str, time: str, text: str) -> tuple[str, str]:
        """Time and text of the line that ends with a part."""
        self.begin(stream, time, text)
        return self._begun.pop(stream)
