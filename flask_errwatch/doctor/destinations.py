"""Checks of this host: where lines go, and which waiting lines are for another place."""

from __future__ import annotations

import os
from collections.abc import Iterator

from flask_errwatch._aws import configured
from flask_errwatch._text import counted
from flask_errwatch.config import Config
from flask_errwatch.delivery import SinkChoice
from flask_errwatch.delivery.journal import (
    UnusableFolderError,
    Waiting,
    chosen_folder,
    other_folders,
    waiting_in,
)
from flask_errwatch.doctor.findings import Finding, ok, warning


def sinks_finding(sinks: SinkChoice) -> Finding:
    """Where this app's lines go, and why.

    Args:
        sinks: What a process like this one would choose.
    """
    names = ", ".join(sinks.names) or "nowhere"
    message = f"Lines go to {names}: {sinks.reason}."
    if sinks.reason == "app.debug is on":
        message += " ERRWATCH_SINKS=cloudwatch sends them."
    return ok("sinks", message)


def destination_findings(config: Config, account: str | None) -> Iterator[Finding]:
    """Reports lines that wait for another account, region or endpoint than this app's.

    Args:
        config: The app's configuration.
        account: The account of this identity. None if it is not known.

    Raises:
        OSError: When a folder changes meanwhile.
    """
    try:
        own = chosen_folder(config).path
        folders = other_folders(config)
    except UnusableFolderError:
        return  # `journal_findings` reports it
    digest = configured(os.environ).digest
    if own.is_dir():
        for waiting in waiting_in(own):
            noted = waiting.destination
            if noted is None:
                continue
            if noted.was_configured_otherwise(digest):
                yield _elsewhere(waiting, "their process had another configuration of AWS")
            elif None not in {noted.account, account} and noted.account != account:
                yield _elsewhere(waiting, f"this identity is of account {account}")
    for folder in folders:
        for waiting in waiting_in(folder):
            yield _elsewhere(waiting, f"this app's journal is in {own}")


def _elsewhere(waiting: Waiting, why: str) -> Finding:
    noted = waiting.destination
    parts = [] if noted is None else [noted.place, noted.account and f"account {noted.account}"]
    place = ", ".join(filter(None, parts)) or "a place that is not noted"
    journals = counted(waiting.journals, "journal")
    message = (
        f"{journals} with {waiting.size:,} bytes in {waiting.folder} for {place}; {why}. "
        "They are not delivered from here."
    )
    remedy = (
        "Run the app with that configuration and those credentials to deliver them; or remove them."
    )
    return warning("lines for elsewhere", message, remedy)
