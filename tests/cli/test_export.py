"""`flask errwatch export …`, as a user types it."""

from __future__ import annotations

import json

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
