"""The findings about where lines go, and about lines that wait for another place."""

from __future__ import annotations

from pathlib import Path

import pytest

from flask_errwatch.delivery import SinkChoice
from flask_errwatch.delivery.journal import Destination, create_app_folder
from flask_errwatch.delivery.journal.records import pack
from flask_errwatch.doctor.destinations import destination_findings, sinks_finding
from tests.doctor.scripted_aws import shop
from tests.lines import line

HERE = Destination("shop", "eu-central-1", account="111122223333")


def leave(folder: Path, name: str, destination: Destination, *, is_delivered: bool = False) -> None:
    """Writes what a dead process with one line has left."""
    record = pack(line(1_000_000))
    (folder / f"{name}.lock").write_bytes(
        b'{"state":"ended","at":1,"host":"web-1"}\n' + destination.as_note()
    )
    (folder / f"{name}.00000001.log").write_bytes(record)
    if is_delivered:
        (folder / f"{name}.state").write_text(f'{{"position": [1, {len(record)}], "losses": {{}}}}')


def test_lines_of_another_account_are_shown(tmp_path: Path) -> None:
    """With the account and the folder. Delivered ones, and those for here, are not."""
    config = shop(JOURNAL_DIR=str(tmp_path))[1]
    folder = create_app_folder(config)
    leave(folder, "1-aaaaaaaaaaaa", HERE)
    leave(folder, "2-bbbbbbbbbbbb", HERE._replace(account="999988887777"), is_delivered=True)
    assert [*destination_findings(config, "111122223333")] == []
    leave(folder, "3-cccccccccccc", HERE._replace(account="999988887777"))
    (finding,) = destination_findings(config, "111122223333")
    assert finding.level == "warning"
    assert finding.message.startswith("1 journal with ")
    assert f"in {folder} for eu-central-1, account 999988887777" in finding.message
    assert "this identity is of account 111122223333" in finding.message
    assert [*destination_findings(config, None)] == []


def test_lines_of_another_configuration_are_shown(tmp_path: Path) -> None:
    """Also those of version 0.1, whose folder does not show the endpoint."""
    config = shop(JOURNAL_DIR=str(tmp_path))[1]
    emulator = create_app_folder(
        shop(JOURNAL_DIR=str(tmp_path), ENDPOINT_URL="http://localhost:4566")[1]
    )
    leave(emulator, "1-aaaaaaaaaaaa", HERE._replace(place="http://localhost:4566"))
    earlier = tmp_path / "shop-1cf7fce31946.v2"
    earlier.mkdir()
    leave(earlier, "2-bbbbbbbbbbbb", Destination(""))
    elsewhere, before = destination_findings(config, "111122223333")
    assert f"in {emulator} for http://localhost:4566, account 111122223333" in elsewhere.message
    assert f"in {earlier} for a place that is not noted" in before.message


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (
            SinkChoice(("cloudwatch",), "app.debug and app.testing are off"),
            "Lines go to cloudwatch: app.debug and",
        ),
        (
            SinkChoice(("stdout",), "app.debug is on"),
            "Lines go to stdout: app.debug is on. ERRWATCH_SINKS=cloudwatch sends them.",
        ),
        (SinkChoice((), "ERRWATCH_SINKS is set"), "Lines go to nowhere: ERRWATCH_SINKS is set."),
    ],
)
def test_the_sinks_are_shown_with_their_reason(choice: SinkChoice, message: str) -> None:
    """Whoever sees no lines in CloudWatch sees why."""
    finding = sinks_finding(choice)
    assert finding.level == "ok"
    assert finding.message.startswith(message)


def test_lines_of_a_process_that_called_nothing_are_shown(tmp_path: Path) -> None:
    """If the files of AWS configured something else then: nothing else shows where they go."""
    config = shop(JOURNAL_DIR=str(tmp_path))[1]
    folder = create_app_folder(config)
    leave(folder, "1-aaaaaaaaaaaa", Destination("shop", configuration="0123456789ab"))
    (finding,) = destination_findings(config, None)
    assert "their process had another configuration of AWS" in finding.message
