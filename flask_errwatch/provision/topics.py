"""Which topics the alarms of each level notify. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask_errwatch.detectors.operational import Level


@dataclass(frozen=True, kw_only=True, slots=True)
class Topics:
    """The ARNs of an app's topics.

    Attributes:
        default: The topic of `ERRWATCH_SNS_TOPIC`. None if that is not set.
        by_level: Those of `ERRWATCH_SNS_TOPICS`, by the level of a detector's lines.

    Example:
        >>> topics = Topics(default="arn:…:ops", by_level={"critical": "arn:…:pager"})
        >>> topics.actions("critical"), topics.actions("error"), topics.every
        (('arn:…:pager',), ('arn:…:ops',), ('arn:…:ops', 'arn:…:pager'))
    """

    default: str | None = None
    by_level: Mapping[str, str] = field(default_factory=dict)

    def actions(self, level: Level) -> tuple[str, ...]:
        """Returns the actions of an alarm on lines of a level."""
        arn = self.by_level.get(level, self.default)
        return () if arn is None else (arn,)

    @property
    def every(self) -> tuple[str, ...]:
        """All topics, each once."""
        default = () if self.default is None else (self.default,)
        return tuple(dict.fromkeys((*default, *self.by_level.values())))


#: No alarm notifies.
NO_TOPICS = Topics()
