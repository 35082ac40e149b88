"""The configuration as it takes effect: the value of each key, where it came from, and why.

Secrets are hidden: the key of hashes, users and queries in URLs, and the paths of those that are
notified.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from flask_errwatch._aws import endpoint_variable, region_origin
from flask_errwatch._parsers import Secret
from flask_errwatch._urls import HIDDEN, without_path, without_secrets
from flask_errwatch.config import Config, Origin
from flask_errwatch.config.keys import all_keys
from flask_errwatch.delivery import SinkChoice
from flask_errwatch.delivery.journal import UnusableFolderError, chosen_folder
from flask_errwatch.errors import AwsCallError

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws

_LATE: Final = "set in app.config after init_app, which has not read it: set it before"


@dataclass(frozen=True, kw_only=True, slots=True)
class EffectiveKey:
    """The value of a key.

    Attributes:
        name: The key, such as `ERRWATCH_SINKS`.
        value: What is in effect, as JSON has it. None where nothing is set.
        origin: Where the value came from.
        why: Why it is this one where the app or the machine decides, and what to do if a value is
            not in effect. May be empty.
        meaning: What the key means.
    """

    name: str
    value: object
    origin: Origin
    why: str
    meaning: str


class AppFacts(NamedTuple):
    """What decides about values that are not set.

    Attributes:
        settings: The app's configuration as it is now.
        environ: The process environment.
        sinks: Where lines of this process would go. The one that serves the app may decide
            otherwise.
    """

    settings: Mapping[str, object]
    environ: Mapping[str, str]
    sinks: SinkChoice


class _Decided(NamedTuple):
    value: object
    why: str


def effective_keys(
    config: Config, origins: Mapping[str, Origin], facts: AppFacts, aws: Aws
) -> tuple[EffectiveKey, ...]:
    """The value of each key, in the order in which they are declared.

    Args:
        config: The app's configuration.
        origins: Where the value of each key came from.
        facts: What decides about values that are not set.
        aws: The account and region.
    """
    decided = dict(_decisions(config, facts, aws))
    return tuple(
        _effective(
            EffectiveKey(
                name=key.name,
                value=_value_of(config, key.field),
                origin=origins[key.name],
                why="",
                meaning=key.meaning,
            ),
            decided.get(key.field),
            facts.settings,
        )
        for key in all_keys()
    )


def _value_of(config: Config, field: str) -> object:
    if field == "subscriptions":
        return [*map(without_path, config.subscriptions)]
    return getattr(config, field)


def changed_keys(keys: tuple[EffectiveKey, ...]) -> tuple[EffectiveKey, ...]:
    """The keys that are set, or have a reason."""
    return tuple(key for key in keys if key.origin != "default" or key.why)


def _effective(
    key: EffectiveKey, decided: _Decided | None, settings: Mapping[str, object]
) -> EffectiveKey:
    value, why = key.value, ""
    if key.origin == "default" and decided is not None:
        value, why = decided
    if key.origin != "app.config" and settings.get(key.name) is not None:
        why = _LATE
    return EffectiveKey(
        name=key.name,
        value=_shown(value),
        origin=key.origin,
        why=why,
        meaning=key.meaning,
    )


def _decisions(config: Config, facts: AppFacts, aws: Aws) -> Iterator[tuple[str, _Decided]]:
    """What the app or the machine decides, by the attribute of `Config`, where it is not set."""
    yield "app_name", _Decided(config.app_name, "app.name")
    yield "log_group", _Decided(config.log_group, "the app name")
    yield "sinks", _Decided(*facts.sinks)
    yield "region", _decided_region(config, facts.environ, aws)
    endpoint = endpoint_variable(facts.environ)
    if endpoint is not None:
        yield "endpoint_url", _Decided(endpoint.value, endpoint.name)
    yield "journal_dir", _decided_folder(config, facts.sinks.names)


def _decided_region(config: Config, environ: Mapping[str, str], aws: Aws) -> _Decided:
    if config.region is not None:
        return _Decided(config.region, "--region")
    try:
        region = aws.region()
    except AwsCallError as error:
        is_missing = error.kind == "region"
        return _Decided(None, f"none is configured. {error.remedy}" if is_missing else str(error))
    return _Decided(region, region_origin(environ))


def _decided_folder(config: Config, sinks: tuple[str, ...]) -> _Decided:
    """The folder of the journal, and why it is this one."""
    if "cloudwatch" not in sinks:
        return _Decided(None, "not needed without the sink 'cloudwatch'")
    try:
        folder, reason = chosen_folder(config)
    except UnusableFolderError as error:
        return _Decided(None, str(error))
    return _Decided(str(folder), reason)


def _shown(value: object) -> object:
    """The value as JSON has it, without secrets."""
    match value:
        case Secret():
            return HIDDEN
        case str():
            return without_secrets(value)
        case Mapping():
            return {str(name): _shown(inner) for name, inner in value.items()}
        case tuple() | list() | set() | frozenset():
            return [_shown(inner) for inner in value]
        case None | bool() | int() | float():
            return value
    return str(value)
