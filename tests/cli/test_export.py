"""`flask errwatch export …`, as a user types it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from flask_errwatch import ErrWatch
from flask_errwatch.cli import errwatch
from flask_errwatch.provision.export import queries_text, to_cloudformation, to_terraform
from tests.provision.export.shops import shop

PLACE = ("--partition", "aws-cn", "--region", "cn-north-1", "--account", "210987654321")


def run(*arguments: str, **settings: object) -> Result:
    """The command on the app `shop`."""
    app = Flask("shop")
    app.config.update({f"ERRWATCH_{key}": value for key, value in settings.items()})
    ErrWatch(app)
    app.cli.add_command(errwatch)
    return app.test_cli_runner().invoke(args=["errwatch", "export", *arguments])


def test_terraform_and_cloudformation_are_printed_as_they_are() -> None:
    """Nothing is printed before or after it: the output is a valid file."""
    assert run("terraform").output == to_terraform(*shop())
    assert run("cloudformation", SNS_TOPIC="ops").output == to_cloudformation(
        *shop(SNS_TOPIC="ops")
    )


def test_iam_prints_all_roles_or_one() -> None:
    """All three by role. With `--role` one policy document, ready for AWS."""
    documents = json.loads(run("iam").output)
    assert list(documents) == ["runtime", "deploy", "respond", "create-role"]
    alone = json.loads(run("iam", "--role", "runtime", *PLACE).output)
    assert alone == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "SendLines",
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": "arn:aws-cn:logs:cn-north-1:210987654321:log-group:shop:*",
            },
            {
                "Sid": "CreateLogGroup",
                "Effect": "Allow",
                "Action": "logs:CreateLogGroup",
                "Resource": [
                    "arn:aws-cn:logs:cn-north-1:210987654321:log-group:shop",
                    "arn:aws-cn:logs:cn-north-1:210987654321:log-group:shop:*",
                ],
            },
        ],
    }


def test_options_that_are_not_given_are_placeholders() -> None:
    """The app's region is known. The account and the partition are placeholders."""
    text = run("iam", "--role", "respond", REGION="eu-west-1").output
    assert "arn:${Partition}:logs:eu-west-1:${Account}:log-group:shop:*" in text


def test_the_dashboard_is_printed_whether_or_not_it_is_provisioned() -> None:
    """A body for PutDashboard."""
    body = json.loads(run("dashboard", *PLACE).output)
    assert body["widgets"][1]["properties"]["alarms"] == [
        "arn:aws-cn:cloudwatch:cn-north-1:210987654321:alarm:shop-critical-error"
    ]


def test_queries_are_printed_as_text_or_as_json() -> None:
    """As text, or as the arguments of PutQueryDefinition."""
    assert run("queries").output == queries_text(shop()[1]) + "\n"
    assert json.loads(run("queries", "--json").output)[0]["name"] == "shop/top-sources"


@pytest.mark.parametrize("arguments", [("iam", "--role", "owner"), ("pulumi",)])
def test_unknown_names_are_usage_errors(arguments: tuple[str, ...]) -> None:
    """An unknown role or export is a usage error that lists the known ones."""
    result = run(*arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("option", "value", "remedy"),
    [
        ("--account", "12345678901", "An account has twelve digits, such as 123456789012."),
        ("--account", "1234-5678-9012", "An account has twelve digits, such as 123456789012."),
        ("--account", "\u0661" * 12, "An account has twelve digits, such as 123456789012."),
        ("--partition", "amazon", "Use a partition, such as aws, aws-cn or aws-us-gov."),
        ("--partition", "aws-CN", "Use a partition, such as aws, aws-cn or aws-us-gov."),
        ("--region", "Frankfurt", "Use the name of an AWS region, such as 'eu-central-1'."),
    ],
)
@pytest.mark.parametrize("command", ["iam", "dashboard"])
def test_a_wrong_scope_is_wrong_usage(command: str, option: str, value: str, remedy: str) -> None:
    """An ARN with it would match nothing, so it is refused with what to write."""
    result = run(command, option, value)
    assert result.exit_code == 2
    assert f"{value!r}: {remedy}" in " ".join(result.output.split())


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov", "aws-iso-b", "aws-eusc"])
def test_every_partition_of_aws_is_known(partition: str) -> None:
    """Also those of few customers."""
    assert f"arn:{partition}:logs:" in run("iam", "--partition", partition).output


@pytest.mark.parametrize(
    "command",
    [
        *(("terraform",), ("cloudformation",), ("iam", "--role", "runtime"), ("dashboard",)),
        *(("queries",), ("queries", "--json"), ("waf-rule", "--format", "terraform")),
    ],
)
def test_an_export_is_written_to_a_file(tmp_path: Path, command: tuple[str, ...]) -> None:
    """The same text as on standard output, which then has none. No other file is left."""
    settings = {"WAF_SCOPE": "regional"}
    file = tmp_path / "büro.txt"
    done = run(*command, "-o", str(file), **settings)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == f"The export is in {file}.\n"
    assert file.read_text() == run(*command, **settings).stdout != ""
    assert [*tmp_path.iterdir()] == [file]


def test_a_file_is_replaced_with_its_mode_and_its_link(tmp_path: Path) -> None:
    """A symbolic link still points to the file, whose permissions stay."""
    file, link = tmp_path / "real.tf", tmp_path / "link.tf"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    assert run("terraform", "-o", str(link)).exit_code == 0
    assert link.is_symlink()
    assert file.read_text() == run("terraform").stdout
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_failed_write_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the disk is full in the middle: the old text, one sentence, nothing else."""
    file = tmp_path / "errwatch.tf"
    file.write_text("old")
    write = Path.write_bytes

    def full(self: Path, content: bytes) -> int:
        write(self, content[:10])
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "write_bytes", full)
    result = run("terraform", "-o", str(file))
    assert result.exit_code == 1
    assert result.stderr == f"Error: {file} cannot be written: No space left on device.\n"
    assert (file.read_text(), [*tmp_path.iterdir()]) == ("old", [file])


def test_a_folder_is_refused(tmp_path: Path) -> None:
    """So is a file in a folder that does not exist. In one sentence."""
    folder, lost = tmp_path, tmp_path / "no" / "errwatch.tf"
    for place, reason in ((folder, "Is a directory"), (lost, "No such file or directory")):
        result = run("terraform", "-o", str(place))
        assert result.exit_code == 1
        assert result.stderr == f"Error: {place} cannot be written: {reason}.\n"


def test_what_is_no_file_is_written_to() -> None:
    """A device is not replaced by a file."""
    assert run("terraform", "-o", os.devnull).exit_code == 0
    assert not Path(os.devnull).is_file()
