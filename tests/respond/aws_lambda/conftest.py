"""An account on moto's server and the strict double of AWS WAF, after a scan of the app."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest

from flask_errwatch import respond
from flask_errwatch._aws import Aws
from flask_errwatch._time import rfc3339
from flask_errwatch.respond import alarm_handler
from flask_errwatch.respond.aws_lambda.published import Published
from flask_errwatch.respond.blocking.crawlers import SystemResolver
from tests.fake_waf import FakeWaf
from tests.fake_waf_service import IpSet
from tests.logged_probes import line, put
from tests.moto_account import account, aws, empty_account, moto_url, shop
from tests.provision.export.recorded import AwsCall
from tests.respond.aws_lambda import alarm_events as events

__all__ = ["account", "aws", "empty_account", "moto_url", "shop"]

#: No address for documents: those are stopped, and nothing overrides a brake here.
SCANNER, OTHER = "45.155.205.33", "45.155.205.34"
FOREIGN = "198.51.100.0/24"


@dataclass(kw_only=True)
class Function:
    """The function, its environment, and what it does.

    Attributes:
        waf: AWS WAF.
        calls: Its calls of AWS.
        set_env: Sets a variable of its environment.
        queue: URL of the queue that is subscribed to the topic of reports.
    """

    waf: FakeWaf
    set_env: Callable[[str, str], None]
    queue: str
    calls: list[AwsCall] = field(default_factory=list)

    def __call__(self, event: object, context: object = None) -> list[str]:
        """Invokes it. Returns a sentence for each thing that happened."""
        return respond.lambda_handler(event, context)["results"]

    @property
    def ipv4(self) -> IpSet:
        """The app's set of IPv4 addresses."""
        return next(one for one in self.waf.service.sets if one.name == "shop-blocked-ipv4")

    @property
    def writes(self) -> list[str]:
        """The calls that change something, in their order."""
        reads = ("get_", "list_", "describe_", "filter_")
        return [call.method for call in self.calls if not call.method.startswith(reads)]

    def messages(self) -> list[dict[str, Any]]:
        """The messages that arrived since this was last called."""
        sqs = boto3.client("sqs")
        received = sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
        for one in received.get("Messages", ()):
            sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=one["ReceiptHandle"])
        return [json.loads(one["Body"]) for one in received.get("Messages", ())]

    def records(self) -> list[dict[str, Any]]:
        """The lines of blocks, in the order of their writing."""
        found = boto3.client("logs").filter_log_events(logGroupName="shop")["events"]
        lines = [json.loads(event["message"]) for event in found]
        ours = [one for one in lines if str(one["event"]).startswith("Source ")]
        return sorted(ours, key=lambda one: str(one["id"]))


@pytest.fixture
def function(shop: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Function]:
    """The function in report-only, after two sources scanned the app and the alarm fired."""
    shop()
    put([line(source, number) for source in (SCANNER, OTHER) for number in range(20)])
    fire()
    topic = boto3.client("sns").create_topic(Name="reports")["TopicArn"]
    queue = boto3.client("sqs").create_queue(QueueName="reports")["QueueUrl"]
    endpoint = f"arn:aws:sqs:{events.REGION}:{events.ACCOUNT}:reports"
    boto3.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=endpoint)
    monkeypatch.setenv("ERRWATCH_APP_NAME", "shop")
    monkeypatch.setenv("ERRWATCH_REPORT_TOPIC", topic)
    monkeypatch.setattr(SystemResolver, "names", _no_name)
    new_process(monkeypatch)
    with FakeWaf() as waf:
        monkeypatch.setenv("AWS_ENDPOINT_URL_WAFV2", waf.url)
        waf.service.add("shop-blocked-ipv4", "IPV4", [FOREIGN])
        waf.service.add("shop-blocked-ipv6", "IPV6")
        tested = Function(waf=waf, set_env=monkeypatch.setenv, queue=queue)
        call = Aws.call

        def recording(aws: Aws, service: str, method: str, /, **arguments: Any) -> dict[str, Any]:
            tested.calls.append(AwsCall(service=service, method=method, arguments=arguments))
            return call(aws, service, method, **arguments)

        monkeypatch.setattr(Aws, "call", recording)
        yield tested


def new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on the function is another process, which has an empty memory."""
    monkeypatch.setattr(alarm_handler, "_published", Published())


def fire(name: str = events.ALARM) -> None:
    """Sets the alarm's state, for a period of the last minutes."""
    evidence = {
        "startDate": rfc3339(round((time.time() - 240) * 1000)).replace("Z", "+0000"),
        "period": 300,
        "recentDatapoints": [40.0],
    }
    boto3.client("cloudwatch").set_alarm_state(
        AlarmName=name,
        StateValue="ALARM",
        StateReason="test",
        StateReasonData=json.dumps(evidence),
    )


def now() -> str:
    """The present, as an event has it without its zone."""
    return rfc3339(round(time.time() * 1000)).removesuffix("Z")


def _no_name(_: SystemResolver, address: str) -> list[str]:
    raise OSError(address)
