"""An account in memory: a log group, the strict double of AWS WAF, and processes that die."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

from flask_errwatch import config as configuration
from flask_errwatch._aws import PROVISIONING, Aws, Response, call_error
from flask_errwatch._parsers import Network
from flask_errwatch.config import Config
from flask_errwatch.respond.blocking.blocker import Blocker, CallerFacts
from flask_errwatch.respond.blocking.brakes import Brake
from flask_errwatch.respond.blocking.entry_states import EntryState, entry_states
from flask_errwatch.respond.blocking.ip_sets import IpSets
from flask_errwatch.respond.blocking.plans import Request
from tests.fake_logs_service import AnswerError
from tests.fake_waf_service import IpSet, Waf

NOW = 1_800_000_000.0
REGION = "eu-central-1"
ACTOR = "arn:aws:sts::123456789012:assumed-role/respond/ann"
FOREIGN = "192.0.2.0/24"
ALL_BRAKES = frozenset(Brake) - {Brake.NEVER}


class KilledError(BaseException):
    """The process ends here."""


def refused(code: str) -> AnswerError:
    """An error that AWS answers with."""
    return AnswerError(400, code, "as the test wants")


@dataclass
class Account:
    """An account in eu-central-1 with the log group and the IP sets of `shop`.

    Attributes:
        waf: AWS WAF.
        now: The present, in seconds since the epoch.
        events: The log events: stream, time in milliseconds, message.
        faults: What the next call of a method is answered with.
        answers: What calls of a method are answered with, instead of being carried out.
    """

    waf: Waf = field(default_factory=lambda: Waf(write_interval=0))
    now: float = NOW
    events: list[tuple[str, int, str]] = field(default_factory=list)
    streams: set[str] = field(default_factory=set)
    faults: dict[str, list[AnswerError]] = field(default_factory=dict)
    answers: dict[str, Response] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ipv4 = self.waf.add("shop-blocked-ipv4", "IPV4", [FOREIGN])
        self.ipv6 = self.waf.add("shop-blocked-ipv6", "IPV6")

    def log(self, *lines: Mapping[str, object], ago: float = 60, stream: str = "web") -> None:
        """Adds lines of the app."""
        at = round((self.now - ago) * 1000)
        self.events += [(stream, at, json.dumps({"app": "shop", **line})) for line in lines]

    def answer(self, service: str, method: str, arguments: dict[str, Any]) -> Response:
        """Carries out a call."""
        if self.faults.get(method):
            raise self.faults[method].pop(0)
        if method in self.answers:
            return self.answers[method]
        if service == "wafv2":
            operation = "".join(map(str.capitalize, method.split("_")))
            operation = operation.replace("Ip", "IP").replace("Acl", "ACL")
            return self.waf.call(operation, REGION, arguments)
        if service == "sts":
            return {"Arn": ACTOR}
        return getattr(self, f"_{method}")(arguments)  # type: ignore[no-any-return]

    def _create_log_stream(self, arguments: dict[str, Any]) -> Response:
        if arguments["logStreamName"] in self.streams:
            raise refused("ResourceAlreadyExistsException")
        self.streams.add(arguments["logStreamName"])
        return {}

    def _put_log_events(self, arguments: dict[str, Any]) -> Response:
        stream = arguments["logStreamName"]
        if stream not in self.streams:
            raise refused("ResourceNotFoundException")
        self.events += [(stream, e["timestamp"], e["message"]) for e in arguments["logEvents"]]
        return {}

    def _filter_log_events(self, arguments: dict[str, Any]) -> Response:
        """Like the emulators, it ignores the prefix and the pattern."""
        span = range(arguments["startTime"], arguments.get("endTime", 1 << 62) + 1)
        found = [event for event in sorted(self.events, key=lambda e: e[1]) if event[1] in span]
        return {
            "events": [
                {"logStreamName": stream, "timestamp": at, "message": message}
                for stream, at, message in found
            ]
        }

    def records(self) -> list[tuple[str, str]]:
        """The lines of blocks: event and address, in the order of their writing."""
        found = [json.loads(message) for stream, _, message in self.events if stream[0] == "r"]
        return [(one["event"], one["data"]["address"]) for one in found]


class AccountAws(Aws):
    """Calls the account.

    Args:
        account: The account.
        dies_at: The number of the call at which the process dies, from 0: half a number more is
            after the call was carried out. None is never.
    """

    def __init__(self, account: Account, dies_at: float | None = None) -> None:
        super().__init__(region=REGION, patience=PROVISIONING)
        self.account = account
        self.calls: list[str] = []
        self._dies_at = dies_at

    def call(self, service: str, method: str, /, **arguments: object) -> Response:
        """Carries out one call."""
        number = len(self.calls)
        self.calls.append(method)
        if number == self._dies_at:
            raise KilledError
        try:
            return self._carried_out(service, method, arguments)
        finally:
            if self._dies_at is not None and number + 0.5 == self._dies_at:
                raise KilledError

    def _carried_out(self, service: str, method: str, arguments: dict[str, Any]) -> Response:
        try:
            return self.account.answer(service, method, arguments)
        except AnswerError as error:
            response = {
                "Error": {"Code": error.code, "Message": error.message},
                "ResponseMetadata": {"HTTPStatusCode": error.status},
            }
            cause = Exception(error.code)
            cause.response = response  # type: ignore[attr-defined]
            raise call_error(service, method, cause) from error


def shop(**settings: object) -> Config:
    """The configuration of `shop`, with the given keys."""
    keys = {"WAF_SCOPE": "regional", **settings}
    return configuration.load(
        {f"ERRWATCH_{name}": value for name, value in keys.items()}, {}, app_name="shop"
    )


def blocker(account: Account, dies_at: float | None = None, **settings: object) -> Blocker:
    """A process that blocks in the account."""
    aws, config = AccountAws(account, dies_at), shop(**settings)
    sets = IpSets(aws, config, sleep=lambda _: None)
    return Blocker(aws, sets, config, clock=lambda: account.now)


def network(text: str) -> Network:
    """The network."""
    return ip_network(text)


def block(one: Blocker, *texts: str, seconds: float | None = None, **fields: Any) -> list[str]:
    """Blocks networks with all brakes overridden. Returns what is left out."""
    request = Request(
        networks={network(text): {} for text in texts},
        reason="test",
        seconds=seconds,
        overrides=fields.pop("overrides", ALL_BRAKES - {Brake.CRAWLER}),
        **fields,
    )
    plan, reading = one.plan_block(request, CallerFacts(resolver=NoNames()))
    one.block(plan, reading)
    return [f"{stop.network} {stop.brake}" for stop in plan.stopped]


def unblock(one: Blocker, *texts: str) -> None:
    """Unblocks networks, or all whose time is over."""
    if texts:
        plan, reading = one.plan_unblock(map(network, texts))
    else:
        plan, reading = one.plan_expired()
    one.unblock(plan, reading)


def blocked(account: Account) -> dict[str, str]:
    """What `blocked` shows: the states by address."""
    return {str(one.network): str(one.state) for one in states(account)}


def states(account: Account) -> tuple[EntryState, ...]:
    """Each entry with its state."""
    return entry_states(blocker(account).read())


def entries(*sets: IpSet) -> list[str]:
    """The entries of some sets."""
    return [entry for one in sets for entry in one.addresses]


class NoNames:
    """A resolver for addresses without names."""

    def names(self, address: str) -> Sequence[str]:
        """No name."""
        raise OSError(address)

    def addresses(self, name: str) -> Sequence[str]:
        """No address."""
        raise OSError(name)
