"""Descriptions of alarms for the person on call: the meaning, the first step, and links."""

from __future__ import annotations

import re
from collections.abc import Sequence

from flask_errwatch._text import one_line
from flask_errwatch.config import Config
from flask_errwatch.detectors import HEARTBEAT, PROCESS_DIED, Detector, event_pattern
from flask_errwatch.provision.query_filter import UntranslatableError, query_filter
from flask_errwatch.provision.resources.tags import marker
from flask_errwatch.provision.scope import AwsScope
from flask_errwatch.provision.tokens import ANYWHERE

#: Characters of an alarm's description (AWS API Reference, PutMetricAlarm, AlarmDescription).
LONGEST = 1024
#: Characters that the words keep. Below that, the link and then the advice are left out.
_WORDS = 160

#: The console's host in each partition. In other partitions the description has no link.
_CONSOLES = {
    ANYWHERE.partition: "console.aws.amazon.com",
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")
_THREE_HOURS = 10_800
_ADVICE = "First: open its newest lines and see what they share: a path, a client_ip, a release."


def of_detector(
    detector: Detector,
    config: Config,
    scope: AwsScope | None,
    *,
    before: str = "",
    advice: str = _ADVICE,
) -> str:
    """Describes the alarm on a detector's metric.

    Args:
        detector: The detector.
        config: The app's configuration.
        scope: Partition, region and account. With None, the description has no link.
        before: A sentence that precedes the detector's description.
        advice: The first step of the person on call.

    Example:
        >>> from flask_errwatch import config
        >>> from flask_errwatch.detectors import CRITICAL_ERROR
        >>> print(of_detector(CRITICAL_ERROR, config.load({}, {}, app_name="shop"), None))
        The app crashed, or responded that it failed. \
Its lines say "Critical Error" in log group shop.
        First: open its newest lines and see what they share: a path, a client_ip, a release.
        managed-by=flask-errwatch app=shop
    """
    meaning = " ".join(detector.description.split())
    ending = [marker(config.app_name)]
    if detector.runbook_url:
        ending.insert(0, f"Runbook: {one_line(detector.runbook_url)}")
    return _fitted(
        " ".join(filter(None, (before, meaning, _lines_of(detector, config.log_group)))),
        advice=advice,
        link=lines_link(lines_condition(detector), config.log_group, scope),
        ending=ending,
    )


def _lines_of(detector: Detector, log_group: str) -> str:
    """Says which lines a detector counts, or what it sums of them."""
    ending = "" if detector.where is None else f" that match {detector.where}"
    if detector.event is not None:
        lines = f'Its lines say "{detector.event}" in log group {log_group}.'
        if detector.value is not None:
            return f"{lines} It sums {detector.value} of those{ending}."
        return f"{lines} It counts those{ending}." if ending else lines
    counts = "counts" if detector.value is None else f"sums {detector.value} of"
    return f"It {counts} the lines of log group {log_group}{ending}."


def of_source(detector: Detector, config: Config, scope: AwsScope | None) -> str:
    """Describes the alarm on a detector's busiest client address."""
    before = "One client address alone causes many of these."
    advice = (
        "First: find the client_ip in its lines. It is a keyed hash (ERRWATCH_PRIVACY): what it "
        "does can be followed, but it cannot be blocked."
        if config.privacy == "hashed"
        else "First: find the client_ip in its lines, and block it if it is hostile."
    )
    return of_detector(detector, config, scope, before=before, advice=advice)


def of_busy(detector: Detector, config: Config, scope: AwsScope | None) -> str:
    """Describes the composite alarm on failures and requests."""
    before = "Too many failures while the app is in use."
    return of_detector(detector, config, scope, before=before)


def of_requests(detector: Detector, config: Config) -> str:
    """Describes the alarm on the number of requests, which is a condition without actions."""
    name = detector.resource_name(config.app_name)
    words = f"Enough requests come in: failures of {name} count. No one is notified."
    return _fitted(words, advice="", link=None, ending=(marker(config.app_name),))


def of_silence(config: Config, scope: AwsScope | None) -> str:
    """Describes the alarm on missing heartbeats."""
    words = (
        "No process of the app sends heartbeats: the app is down, has had no request since it "
        f"started, or its lines do not reach log group {config.log_group}."
    )
    advice = "First: check whether the app responds, then read on its stderr why nothing is sent."
    return _of_operational_lines(HEARTBEAT, words, advice, config, scope)


def of_death(config: Config, scope: AwsScope | None) -> str:
    """Describes the alarm on processes that died."""
    words = (
        "A process of the app was killed or crashed, such as by the system for its memory, and its "
        f'requests had no answer. Its line says "{PROCESS_DIED}" in log group {config.log_group}.'
    )
    advice = "First: open the newest line: data.requests names what it served, if that is tracked."
    return _of_operational_lines(PROCESS_DIED, words, advice, config, scope)


def _of_operational_lines(
    event: str, words: str, advice: str, config: Config, scope: AwsScope | None
) -> str:
    """Describes an alarm on lines that are outside the catalogue, with a link to them."""
    return _fitted(
        words,
        advice=advice,
        link=lines_link(query_filter(event_pattern(event)), config.log_group, scope),
        ending=(marker(config.app_name),),
    )


def of_app(config: Config) -> str:
    """Describes the composite alarm that notifies for the whole app."""
    words = (
        f"One or more alarms of {config.app_name} are in ALARM. They notify no one themselves, and "
        "this one returns to OK with the last of them."
    )
    advice = (
        f"First: list the alarms whose names begin with {config.app_name}-. Those in ALARM say "
        "what failed, and link to its lines."
    )
    return _fitted(words, advice=advice, link=None, ending=(marker(config.app_name),))


def lines_condition(detector: Detector) -> str | None:
    """Returns the condition of the lines that a detector counts, as Logs Insights has it.

    Where only its `where` cannot be translated, it is the condition of all its own lines.

    Returns:
        The condition. None without one.

    Example:
        >>> lines_condition(Detector(name="probe", where='$.path_class != "own"'))
        '(ispresent(path_class) and path_class != "own")'
    """
    try:
        return query_filter(detector.pattern)
    except UntranslatableError:
        return None if detector.event is None else query_filter(event_pattern(detector.event))


def lines_link(condition: str | None, log_group: str, scope: AwsScope | None) -> str | None:
    """Returns a link to the newest lines that match a condition, in the Logs Insights console.

    The fragment is an object in the console's own notation (`~(key~'text)`, other characters
    as `*` and two hex digits), escaped twice with `$` for `%`. No character is left at which a
    mail program would end the link.

    Args:
        condition: The condition, as Logs Insights has it after `filter`. None without one.
        log_group: The log group.
        scope: Partition, region and account.

    Returns:
        The link. None without a condition or a scope, with a condition beyond ASCII, and in a
        partition whose console is not known.

    Example:
        >>> scope = AwsScope(partition="aws", region="eu-central-1", account="123456789012")
        >>> lines_link('event = "Login Failed"', "shop", scope)[:79]
        'https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1'
    """
    if condition is None or scope is None or scope.partition not in _CONSOLES:
        return None
    if not condition.isascii():
        return None  # how the console writes other characters is not known
    query = f"filter {condition}\n| sort @timestamp desc\n| limit 100"
    pairs = (
        f"end~0~start~-{_THREE_HOURS}~timeType~'RELATIVE~unit~'seconds",
        f"editorString~'{_starred(query)}",
        f"source~(~'{_starred(log_group)})",
    )
    detail = f"~({'~'.join(pairs)})"
    for char, code in (("~", "$257E"), ("(", "$2528"), (")", "$2529"), ("'", "$2527")):
        detail = detail.replace(char, code)
    home = (
        f"https://{scope.region}.{_CONSOLES[scope.partition]}/cloudwatch/home?region={scope.region}"
    )
    return f"{home}#logsV2:logs-insights$3FqueryDetail$3D{detail}"


def _starred(text: str) -> str:
    """Encodes a string in the console's notation. Log group names and phrases are ASCII."""
    return _UNSAFE.sub(lambda match: f"*{ord(match[0]):02x}", text)


def _fitted(words: str, *, advice: str, link: str | None, ending: Sequence[str]) -> str:
    """Joins the parts, each on its own lines, within the maximum length. Keeps the whole ending."""
    room = LONGEST - sum(len(line) + 1 for line in ending)
    kept: list[str] = []
    for line in filter(None, (advice, link and f"Lines: {link}")):
        if len(line) + 1 <= room - _WORDS:
            kept.append(line)
            room -= len(line) + 1
    # One character is for the "…" of words that are cut.
    return "\n".join([one_line(words, room - 1), *kept, *ending])
