"""Decides whether the lines that another process left are for the place to which this one sends."""

from __future__ import annotations

import time
from collections.abc import Callable

from flask_errwatch._guard import Guard
from flask_errwatch._text import counted
from flask_errwatch.delivery.journal import Destination, Journal, Orphan
from flask_errwatch.delivery.sender import Sender
from flask_errwatch.errors import AwsCallError

#: Seconds until AWS is asked again for what it did not answer.
_ASK_AGAIN_AFTER = 60.0


class Ownership:
    """What a process knows of its own destination, and which orphaned journals are for the same.

    Args:
        get_sender: Returns the sender, in the shipper's thread.
        guard: Writes what the operator must know, once.
    """

    def __init__(self, get_sender: Callable[[], Sender], guard: Guard) -> None:
        self._get_sender = get_sender
        self._guard = guard
        self._own: Destination | None = None
        self._failure: AwsCallError | None = None
        self._ask_at = 0.0
        self._look_failure: AwsCallError | None = None
        self._look_at = 0.0
        # Whether journals without a note were sent from here, by their folder and name.
        self._was_sent: dict[tuple[str, str], bool] = {}
        # What was left as it is, by the reason.
        self._left: dict[str, list[Orphan]] = {}

    def note(self, journal: Journal) -> None:
        """Notes this process's destination with its lines, as far as it is known without a call."""
        if self._own is not None and not self._own.is_known:
            self._own = None  # there were no credentials yet
        try:
            destination = self._destination()
        except AwsCallError:
            return  # the shipper reports what is missing
        self._guard.run(_NOTING, journal.note_destination, destination)

    def note_account(self, journal: Journal) -> None:
        """Asks for the account once, after a delivery, and notes it with the lines.

        Where AWS does not answer, as in a private subnet without an endpoint for STS, the access
        key is noted alone.
        """
        if self._own is not None and self._own.account is None and self._failure is None:
            self._guard.run(_NOTING, journal.note_destination, self._with_account())

    def belongs(self, orphan: Orphan) -> bool:
        """Whether a journal is for this process's destination. What is not known is left."""
        return bool(self._guard.run("comparing destinations", self._belongs, orphan))

    def _belongs(self, orphan: Orphan) -> bool:
        try:
            reason = self._why_left(orphan)
        except AwsCallError:
            return False  # without credentials or a region, which the shipper reports
        if not reason:
            return True
        if orphan.is_settled:
            return not orphan.is_beside  # to be removed
        if reason != _BESIDE:
            self._left.setdefault(reason, []).append(orphan)
        return False

    def report_left(self) -> None:
        """Writes one line for each reason for which journals were left, once."""
        for reason, orphans in self._left.items():
            folder = orphans[0].folder
            text = f"{counted(len(orphans), 'journal')} in {folder} cannot be delivered: {reason}"
            self._guard.warn_once(f"{reason}{folder}", text)
        self._left = {}

    def _why_left(self, orphan: Orphan) -> str:
        """Why the lines of a journal are left, or an empty text if they are for here."""
        noted = orphan.destination
        if orphan.has_earlier_name:
            return "" if self._sent_before(orphan) else _EARLIER
        if noted is None:
            # Its lock file was removed, or had no room for a note: the folder's name decides.
            return _BESIDE if orphan.is_beside else ""
        if orphan.is_beside and not (noted.is_known and noted.place):
            return _BESIDE
        own = self._destination()
        if noted.was_configured_otherwise(own.configuration):
            return _RECONFIGURED
        is_same = own.is_same(noted)
        if is_same is None and own.account is None and time.monotonic() >= self._ask_at:
            own = self._with_account()
            is_same = own.is_same(noted)
        if is_same:
            return ""
        if is_same is False and orphan.is_beside:
            return _BESIDE
        if is_same is False:
            # Not what is found out later: the line would be another one, and be written again.
            here = own if own.place == noted.place else own._replace(account=None)
            return (
                f"its lines are for {_named(noted)}, and this process sends to {_named(here)}. "
                "They wait for a process with that destination: run the app so, or remove them."
            )
        failure = self._failure
        why = f" ({failure.outcome})" if failure else ""
        return (
            f"it is not known whether its lines are for the account of this process{why}. They "
            "wait for a process with their access key, or until sts:GetCallerIdentity answers."
        )

    def _destination(self) -> Destination:
        if self._own is None:
            self._own = self._get_sender().destination()
        return self._own

    def _with_account(self) -> Destination:
        """This process's destination, with its account if AWS answers."""
        own = self._destination()
        try:
            own = own._replace(account=self._get_sender().account())
        except AwsCallError as error:
            self._failure, self._ask_at = error, time.monotonic() + _ASK_AGAIN_AFTER
        self._own = own
        return own

    def _sent_before(self, orphan: Orphan) -> bool:
        """Whether the process of a journal without a note has sent lines to this destination.

        Its log stream shows that. Without the permission to look, it is not known.
        """
        place = str(orphan.folder), orphan.name
        if place in self._was_sent:
            return self._was_sent[place]
        if time.monotonic() >= self._look_at:
            line = orphan.last_line()
            try:
                sent = line is not None and self._get_sender().has_stream_of(line)
            except AwsCallError as error:
                self._look_failure, self._look_at = error, time.monotonic() + _ASK_AGAIN_AFTER
            else:
                self._was_sent[place] = sent
                return sent
        if self._look_failure is not None and self._look_failure.kind != "permission":
            raise self._look_failure  # an outage, which the shipper reports: it is known later
        return False


_NOTING = "noting the destination of lines"
_BESIDE = "they are for another destination, whose processes deliver them"
_RECONFIGURED = (
    "its process ended before it called AWS, and the configuration of AWS (its files, AWS_ROLE_ARN "
    "or the kind of credentials) was another one. They wait for a process with that configuration: "
    "run the app so, or remove them."
)
_EARLIER = (
    "an earlier version has written its lines, and no log stream shows that they are for this "
    "group (to look takes logs:DescribeLogStreams). To deliver them, move the files into the "
    "journal's folder, which `flask errwatch doctor` names; or remove them."
)


def _named(destination: Destination) -> str:
    account = destination.account and f"account {destination.account}"
    return " at ".join(filter(None, (account, destination.place)))
