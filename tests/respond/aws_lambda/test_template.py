"""`examples/auto_respond`: the template, the permissions of each mode, and what the zip needs."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs
from cfnlint.decode.cfn_yaml import loads

from flask_errwatch.respond.aws_lambda.settings import read_settings
from tests.provision.export.policies import FREE, actions, allowed, required
from tests.provision.export.template_reader import PSEUDO_PARAMETERS, Template
from tests.respond.aws_lambda import alarm_events as events
from tests.respond.aws_lambda.conftest import Function, now

FOLDER = Path(__file__).parents[3] / "examples" / "auto_respond"
TEXT = (FOLDER / "template.yaml").read_text(encoding="utf-8")
TOPIC = f"arn:aws:sns:{events.REGION}:{events.ACCOUNT}:reports"
MODES = ["report", "unblock", "block"]
#: Actions that change something, and that each mode has.
REPORTS = {"sns:Publish", "logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"}


class Deployed(Template):
    """The template with its conditions evaluated."""

    def _holds(self, condition: str) -> bool:
        return self._true(self.document["Conditions"][condition])

    def _true(self, raw: Any) -> bool:
        ((name, arguments),) = raw.items()
        if name == "Fn::Not":
            return not self._true(arguments[0])
        assert name == "Fn::Equals"
        return bool(self.value(arguments[0]) == self.value(arguments[1]))

    def _attribute(self, name: str, attribute: str) -> str:
        return f"{name}.{attribute}"


def deployed(mode: str, **parameters: object) -> Deployed:
    """The template in a mode."""
    given = {"AppName": "shop", "LogGroupName": "shop", "ReportTopicArn": TOPIC, "Mode": mode}
    return Deployed(loads(TEXT), {**given, **parameters})


def policy(mode: str, **parameters: object) -> dict[str, Any]:
    """The policy of the function's role."""
    stack = deployed(mode, **parameters)
    raw = stack.document["Resources"]["Policy"]["Properties"]["PolicyDocument"]
    document: dict[str, Any] = stack.value(raw)
    return document


def environment(mode: str, **parameters: object) -> dict[str, str]:
    """The environment of the function."""
    (found,) = deployed(mode, **parameters).of_type("AWS::Lambda::Function")
    return {name: str(value) for name, value in found["Environment"]["Variables"].items()}


@pytest.fixture(autouse=True)
def _stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PSEUDO_PARAMETERS, "AWS::StackName", "respond")


def test_the_linter_finds_nothing() -> None:
    """No errors, warnings or information."""
    config = ManualArgs(include_checks=["I"], regions=["us-east-1", "eu-central-1"])
    assert [f"{one.rule.id} {one.message}" for one in lint(TEXT, config=config)] == []


def test_the_handler_is_the_public_function() -> None:
    """The name that Lambda imports."""
    (function,) = deployed("report").of_type("AWS::Lambda::Function")
    module, _, name = function["Handler"].rpartition(".")
    assert callable(getattr(sys.modules[module], name))


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_may_do_what_it_does(function: Function, mode: str) -> None:
    """Every call is allowed on its resource. A schedule comes where the template has one."""
    for name, value in environment(mode).items():
        function.set_env(name, value)
    function.set_env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/respond")
    function.set_env("AWS_REGION", events.REGION)
    function(events.sns(events.notification(at=now())))
    if mode != "report":
        function(events.scheduled())
    document = policy(mode)
    denied = {
        f"{action} on {resource}"
        for call in function.calls
        for action, resource in required(call)
        if action not in FREE and not allowed(document, action, resource)
    }
    assert denied == set()


@pytest.mark.parametrize("mode", MODES)
def test_no_mode_may_do_more(mode: str) -> None:
    """A function that reports cannot change anything, and none can change a web ACL or an alarm."""
    reads = re.compile("Get|Describe|List|Filter|Query")
    writes = {action for action in actions(policy(mode)) if not reads.search(action)}
    assert writes == REPORTS | (set() if mode == "report" else {"wafv2:UpdateIPSet"})
    waf = {action for action in actions(policy(mode)) if action.startswith("wafv2:")}
    needed = {"wafv2:GetIPSet", "wafv2:ListIPSets", "wafv2:UpdateIPSet"}
    rules = {"wafv2:GetWebACL", "wafv2:ListWebACLs"}
    assert waf == {"report": set(), "unblock": needed, "block": needed | rules}[mode]
    line = f"arn:aws:logs:{events.REGION}:{events.ACCOUNT}:log-group:shop:log-stream:web"
    assert not allowed(policy(mode), "logs:PutLogEvents", line)


def test_the_sets_of_cloudfront() -> None:
    """They are in us-east-1, and no other set is within reach."""
    edge = policy("block", WafScope="cloudfront")
    arn = "arn:aws:wafv2:{}:123456789012:{}/ipset/shop-blocked-ipv4/1"
    assert allowed(edge, "wafv2:UpdateIPSet", arn.format("us-east-1", "global"))
    assert not allowed(edge, "wafv2:UpdateIPSet", arn.format("eu-central-1", "regional"))


@pytest.mark.parametrize("mode", MODES)
def test_the_environment_is_valid(mode: str) -> None:
    """With and without what is optional."""
    config = read_settings(environment(mode))
    assert config.auto_block is (mode == "block")
    assert config.waf_scope == (None if mode == "report" else "regional")
    assert (config.never_block, config.trusted_proxies) == ((), 0)
    full = environment(mode, NeverBlock="192.0.2.1, 10.0.0.0/8", TrustedProxies="10.0.0.0/8")
    assert len(read_settings(full).never_block) == 2


def test_what_the_zip_file_needs(tmp_path: Path) -> None:
    """The package and what it requires, without any extra and without an app, answer an event."""
    for name in required_distributions("flask-errwatch"):
        link(name, tmp_path)
    code = (
        f"import sys; sys.path[1:1] = [{str(tmp_path)!r}]; "
        "from flask_errwatch.respond import lambda_handler; "
        "import flask_errwatch.respond.alarm_handler, boto3; "
        "print(lambda_handler({'Records': [{}]}, None))"
    )
    command = [sys.executable, "-I", "-S", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "Ignored: The message is not about an alarm." in done.stdout


def required_distributions(name: str) -> set[str]:
    """A distribution and all that it requires without its extras."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += requirements(each)
    return found


def requirements(name: str) -> Iterator[str]:
    """The names that a distribution requires here."""
    for requirement in distribution(name).requires or ():
        required_name, _, marker = requirement.partition(";")
        if "extra" not in marker and "python_version" not in marker and "win" not in marker:
            match = re.match(r"[\w.-]+", required_name)
            assert match is not None
            yield re.sub(r"[-_.]+", "-", match[0]).lower()


def link(name: str, folder: Path) -> None:
    """Links the modules of a distribution into a folder."""
    if name == "flask-errwatch":
        (folder / "flask_errwatch").symlink_to(FOLDER.parents[1] / "flask_errwatch")
        return
    files = distribution(name).files or ()
    for top in {file.parts[0] for file in files} - {"..", "__pycache__"}:
        (folder / top).symlink_to(Path(str(distribution(name).locate_file(top))))
