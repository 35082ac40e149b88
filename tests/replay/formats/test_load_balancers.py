"""Access logs of Application and Classic Load Balancers.

The samples are made after those of
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
and https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/access-log-collection.html.
"""

from __future__ import annotations

import pytest

from flask_errwatch.replay.formats.load_balancers import ALB, ELB
from flask_errwatch.replay.formats.record import HEADER, AccessRecord
from flask_errwatch.replay.formats.requests import Request

# 2026-11-25T01:17:00Z
AT = 1_795_569_420


def alb(
    *,
    kind: str = "https",
    client: str = "203.0.113.9:2817",
    statuses: str = "404 404",
    request: str = "GET https://shop.example.com:443/.env?a=b HTTP/1.1",
    agent: str = "curl/8.0",
    end: str = "",
) -> str:
    """A line of an ALB log."""
    return (
        f"{kind} 2026-11-25T01:17:00.500000Z app/shop/50dc6c495c0c9188 {client} 10.0.0.1:80 0.000 "
        f'0.001 0.000 {statuses} 34 366 "{request}" "{agent}" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 '
        "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/t/73e2d6bc24d8a067 "
        '"Root=1-58337262-36d228ad5d99923122bbe354" "shop.example.com" "session-reused" 0 '
        '2026-11-25T01:16:48.364000Z "forward" "-" "-" "10.0.0.1:80" "404" "-" "-"' + end
    )


def elb(*, statuses: str = "404 404", request: str, end: str = ' "curl/8.0" - -') -> str:
    """A line of the log of a Classic Load Balancer."""
    return (
        "2026-11-25T01:17:00.500000Z shop 203.0.113.9:2817 10.0.0.1:80 0.000073 0.001048 0.000057 "
        f'{statuses} 0 29 "{request}"{end}'
    )


def parsed_alb(line: str) -> AccessRecord:
    """The request of a line of an ALB log."""
    record = ALB.parser()(line)
    assert isinstance(record, AccessRecord)
    return record


def test_an_alb_line_has_the_request_as_the_app_saw_it() -> None:
    """It counts when it was answered, for the client, with the path and the query."""
    request = Request("203.0.113.9", "404", "GET /.env?a=b HTTP/1.1", None, "curl/8.0")
    assert parsed_alb(alb()) == AccessRecord(AT + 0.5, request, None)


def test_new_fields_at_the_end_are_skipped() -> None:
    """AWS adds fields at the end of an entry: the line stays readable."""
    end = ' TID_1234abcd5678ef90 "shop.internal" "/a" TransformSuccess'
    assert parsed_alb(alb(end=end)).request.status == "404"


@pytest.mark.parametrize(
    ("client", "source"),
    [
        ("203.0.113.9:2817", "203.0.113.9"),
        ("[2001:db8::9]:2817", "2001:db8::9"),
        ("2001:db8::9:2817", "2001:db8::9"),
        ("-", ""),
    ],
)
def test_the_port_is_not_part_of_the_client(client: str, source: str) -> None:
    """Addresses of both versions lose their port."""
    assert parsed_alb(alb(client=client)).request.source == source


def test_the_status_is_that_which_the_client_was_sent() -> None:
    """A target's 200 that the load balancer turned into 502 is a failure of the request."""
    assert parsed_alb(alb(statuses="502 200")).request.status == "502"


def test_a_request_that_was_not_answered_is_no_failure() -> None:
    """The client went away: the status is that of nginx for it, which no detector claims."""
    assert parsed_alb(alb(statuses="- -")).request.status == "000"
    assert parsed_alb(alb(statuses="460 -")).request.status == "460"


@pytest.mark.parametrize(
    ("request_text", "line"),
    [
        ("GET wss://10.0.0.30:443/chat HTTP/1.1", "GET /chat HTTP/1.1"),
        ("POST https://shop:443/shop.Cart/Add HTTP/2.0", "POST /shop.Cart/Add HTTP/2.0"),
        ("GET http://shop:80/a b HTTP/1.1", "GET /a%20b HTTP/1.1"),
        ("GET http://shop:80 HTTP/1.1", "GET / HTTP/1.1"),
        ("- http://shop.example.com:80- ", "-"),
        ("- - - ", "-"),
    ],
)
def test_a_malformed_request_has_no_path(request_text: str, line: str) -> None:
    """Of a URL only path and query count; what is no request is `-`, as in Apache's logs."""
    assert parsed_alb(alb(request=request_text)).request.line == line


def test_a_quoted_text_may_have_escaped_quotes() -> None:
    """The user agent ends at its own quote."""
    assert parsed_alb(alb(agent=r"a \"b\" c\x22d")).request.agent == r"a \"b\" c\x22d"


@pytest.mark.parametrize("kind", ["http", "https", "h2", "grpcs", "ws", "wss"])
def test_all_types_of_requests_are_read(kind: str) -> None:
    """The documented types of requests and connections."""
    assert parsed_alb(alb(kind=kind)).request.source == "203.0.113.9"


@pytest.mark.parametrize(
    "line",
    [
        "",
        alb(client="app/shop"),
        alb(client="2026-11-25T01:17:00Z"),
        alb(statuses="4040 404"),
        alb().replace("2026-11-25T01:17:00.5", "2026-13-25T01:17:00.5", 1),
        alb(kind="tls"),
        f"{alb()}\t{alb()}",
        f"{alb()}\r{alb()}",
        f"{alb()} {alb()}",
        f"{alb()}{alb()}",
        rf"{alb()}\n{alb()}",
        '203.0.113.9 - - [25/Nov/2026:01:17:00 +0000] "GET / HTTP/1.1" 404 9 "-" "curl"',
    ],
)
def test_other_lines_are_refused(line: str) -> None:
    """Another format, a field that is not what it should be, or several records on one line."""
    assert ALB.parser()(line) is None


def test_a_line_of_a_classic_load_balancer() -> None:
    """It has the request as an ALB has it, with and without the fields that came in 2015."""
    line = elb(request="GET http://shop.example.com:80/.env HTTP/1.1")
    record = ELB.parser()(line)
    request = Request("203.0.113.9", "404", "GET /.env HTTP/1.1", None, "curl/8.0")
    assert record == AccessRecord(AT + 0.5, request, None)
    old = ELB.parser()(elb(request="GET http://shop.example.com:80/.env HTTP/1.1", end=""))
    assert isinstance(old, AccessRecord)
    assert old.request == request._replace(agent=None)


def test_a_tcp_connection_is_no_request() -> None:
    """A TCP listener logs neither a request nor a status: its line is neither bad nor counted."""
    assert ELB.parser()(elb(statuses="- -", request="- - - ", end=' "-" - -')) is HEADER


@pytest.mark.parametrize("separator", ["\t", " ", "", r"\n"])
def test_several_records_of_a_classic_load_balancer_are_none(separator: str) -> None:
    """Not one of them: the others would be lost."""
    line = elb(request="GET http://shop.example.com:80/.env HTTP/1.1")
    assert ELB.parser()(f"{line}{separator}{line}") is None


def test_a_user_agent_that_looks_like_a_record_is_one_field() -> None:
    """Anyone may call himself so: the line counts."""
    assert parsed_alb(alb(agent=alb().replace('"', r"\x22"))).request.status == "404"


def test_the_two_logs_are_told_apart() -> None:
    """A line of one is not of the other, so that its type is never taken for its time."""
    line = elb(request="GET http://shop.example.com:80/.env HTTP/1.1")
    assert ALB.parser()(line) is None
    assert ELB.parser()(alb()) is None


def test_both_are_written_by_a_proxy() -> None:
    """Their client is the peer of the load balancer."""
    assert ALB.is_of_proxy
    assert ELB.is_of_proxy
