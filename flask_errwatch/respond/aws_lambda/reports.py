"""The report about an alarm, as a message of SNS. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from flask_errwatch._text import cut
from flask_errwatch.respond.answer.story import Story
from flask_errwatch.respond.aws_lambda.invocation import MARK, Transition
from flask_errwatch.respond.views.columns import shown, wrapped
from flask_errwatch.respond.views.text import story_lines

#: Characters of a subject (SNS API Reference, Publish), and of a text: of at most four bytes each,
#: they fit into a message.
_SUBJECT: Final = 99
_TEXT: Final = 50_000
_KIND: Final = "report"


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """A report.

    Attributes:
        transition: What it is about.
        summary: It in a few words.
        lines: What a person reads.
    """

    transition: Transition
    summary: str
    lines: Sequence[str]

    @property
    def subject(self) -> str:
        r"""The subject, in ASCII, as SNS wants it.

        Example:
            >>> fired = Transition(alarm="caf\xe9", region="eu-west-1", account="1", at=0)
            >>> Report(transition=fired, summary="a path scan", lines=()).subject
            '[flask-errwatch] caf?: a path scan'
        """
        text = shown(f"[flask-errwatch] {self.transition.alarm}: {self.summary}")
        return text.encode("ascii", "replace").decode()[:_SUBJECT]

    def arguments(self, topic: str) -> dict[str, object]:
        """The arguments of Publish.

        A function reads JSON, all others the text. Attribute and JSON have a mark, so that the
        function that published it ignores it, should it be subscribed to the topic.

        Args:
            topic: The topic's ARN.
        """
        alarm = self.transition.alarm
        document = {
            MARK: _KIND,
            "alarm": alarm,
            "time": self.transition.time,
            "summary": self.summary,
        }
        texts = {
            "default": cut("\n".join(self.lines), _TEXT),
            "lambda": json.dumps(document),
        }
        return {
            "TopicArn": topic,
            "Subject": self.subject,
            "MessageStructure": "json",
            "Message": json.dumps(texts),
            "MessageAttributes": {
                MARK: {"DataType": "String", "StringValue": _KIND},
                "alarm": {"DataType": "String", "StringValue": alarm},
            },
        }


def answered(transition: Transition, story: Story, blocks: Sequence[str] | None) -> Report:
    """The report with the answer to an alarm.

    Args:
        transition: When it fired.
        story: The answer.
        blocks: What was blocked and what was stopped. None where nothing was to be blocked.
    """
    verdict = story.verdict
    first = f" by {verdict.sources[0]}" if verdict.sources else ""
    more = f" and {len(verdict.sources) - 1} more" if len(verdict.sources) > 1 else ""
    added = (
        () if blocks is None else ("", "Blocked without a person (ERRWATCH_AUTO_BLOCK):", *blocks)
    )
    return Report(
        transition=transition,
        summary=f"{verdict.kind}{first}{more}",
        lines=(*story_lines(story), *added),
    )


def unanswered(transition: Transition, reason: str) -> Report:
    """The report about an alarm that cannot be answered.

    Args:
        transition: When it fired.
        reason: Why not, as a sentence.
    """
    first = f"{shown(transition.alarm)} went to ALARM at {transition.time}. "
    return Report(transition=transition, summary="no answer", lines=wrapped(first + shown(reason)))
