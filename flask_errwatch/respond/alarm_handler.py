"""Answers each event: reads the alarm and its lines, blocks where that is wanted, and reports.

What a second try cannot change is reported, or written to the log. An error of AWS fails the
invocation, so that Lambda tries again and counts it: reports and blocks of the first try are found.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Final

from flask_errwatch._aws import PROVISIONING, Aws
from flask_errwatch._text import one_line
from flask_errwatch.config import Config
from flask_errwatch.errors import AwsCallError, ErrWatchError
from flask_errwatch.respond.alarm.subject import NoAnswerError
from flask_errwatch.respond.answer.story import Story
from flask_errwatch.respond.aws_lambda.blocks import block_accused
from flask_errwatch.respond.aws_lambda.invocation import (
    Ignored,
    Schedule,
    Transition,
    read_invocation,
)
from flask_errwatch.respond.aws_lambda.published import Published, is_in_log
from flask_errwatch.respond.aws_lambda.reports import Report, answered, unanswered
from flask_errwatch.respond.aws_lambda.settings import CATALOGUE, read_settings, report_topic
from flask_errwatch.respond.blocking.blocker import Blocker
from flask_errwatch.respond.blocking.ip_sets import IpSets
from flask_errwatch.respond.blocking.text import unblock_lines
from flask_errwatch.respond.investigation import Investigator, Question
from flask_errwatch.respond.views.columns import wrapped

#: Bytes that queries may scan for one alarm without a person who agrees: 0.05 USD.
MOST_SCANNED: Final = 10_000_000_000
_MINUTE: Final = 60
#: Of this process, which Lambda keeps for later events.
_published = Published()


def handle(event: object, context: object) -> dict[str, list[str]]:
    """What `flask_errwatch.respond.lambda_handler` does."""
    results: list[str] = []
    failures: list[ErrWatchError] = []
    account = _account_of(context)
    for occasion in read_invocation(event):
        try:
            match occasion:
                case Ignored():
                    result = f"Ignored: {occasion.reason}"
                case Schedule():
                    result = _unblock_expired()
                case Transition() if account not in {None, occasion.account}:
                    result = f"Ignored: {occasion.account}, the account of the alarm, is another."
                case Transition():
                    result = _answer(occasion)
        except ErrWatchError as error:
            failures.append(error)
            result = f"Failed: {error}"
        results.append(result)
        _log(result)
    if failures:
        raise failures[0]
    return {"results": results}


def _answer(transition: Transition) -> str:
    config = read_settings(os.environ)._replace(region=transition.region)
    topic = report_topic(config)
    aws = Aws.from_config(config, PROVISIONING)
    is_known = transition in _published or _is_in_log(config, transition)
    if is_known and not config.auto_block:
        return f"{transition.alarm}: its report was published before."
    failure: AwsCallError | None = None
    blocks: list[str] | None = None
    try:
        story = _story(aws, config, transition)
    except NoAnswerError as error:
        if not transition.alarm.startswith(f"{config.app_name}-"):
            return f"Ignored: {error}"
        report = unanswered(transition, str(error))
    else:
        if config.auto_block:
            blocks, failure = _block(aws, config, story, transition)
        report = answered(transition, story, blocks)
    if not is_known:
        _publish(aws, topic, report)
    if failure is not None:
        raise failure
    verb = "published before" if is_known else "published"
    return " ".join((f"{report.subject}: {verb}.", *(blocks or ())))


def _story(aws: Aws, config: Config, transition: Transition) -> Story:
    asking = Investigator(
        aws=aws,
        catalogue=CATALOGUE,
        config=config,
        now=time.time(),
        consent=lambda scanned: scanned <= MOST_SCANNED,
    )
    # Other contributors may have fired since: the newest time would be theirs. Queries run at whole
    # minutes.
    is_of_contributor = transition.contributor is not None
    at = transition.at // _MINUTE * _MINUTE if is_of_contributor else None
    return asking.story(Question(name=transition.alarm, at=at))


def _block(
    aws: Aws, config: Config, story: Story, transition: Transition
) -> tuple[list[str], AwsCallError | None]:
    """What was blocked. An error of AWS is reported too, before it fails the invocation."""
    try:
        return block_accused(aws, config, story, transition), None
    except AwsCallError as error:
        return wrapped(f"It failed, and is tried again: {error}"), error


def _publish(aws: Aws, topic: str, report: Report) -> None:
    aws.in_region(topic.split(":")[3]).call("sns", "publish", **report.arguments(topic))
    _write(_published.add(report.transition))


def _is_in_log(config: Config, transition: Transition) -> bool:
    """Whether another process published it. Where that cannot be read, it is published again."""
    log_group, region = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME"), os.environ.get("AWS_REGION")
    if not log_group or not region:
        return False
    here = Aws.from_config(config._replace(region=region), PROVISIONING)
    try:
        return is_in_log(here, log_group, transition)
    except AwsCallError as error:
        _log(f"Whether it was reported before is not known: {error}")
        return False


def _unblock_expired() -> str:
    config = read_settings(os.environ)
    aws = Aws.from_config(config, PROVISIONING)
    blocker = Blocker(aws, IpSets.of(aws, config), config)
    plan, reading = blocker.plan_expired()
    if plan.removed or plan.closed:
        blocker.unblock(plan, reading)
    return " ".join(unblock_lines(plan)) or "Nothing is to be unblocked."


def _account_of(context: object) -> str | None:
    """The function's account, of its ARN: `arn:aws:lambda:eu-west-1:123456789012:function:…`."""
    parts = str(getattr(context, "invoked_function_arn", "")).split(":")
    return parts[4] if len(parts) > 5 else None


def _log(text: str) -> None:
    _write(one_line(" ".join(text.split()), 2000))


def _write(line: str) -> None:
    """Writes a line that the runtime sends to the function's log."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
