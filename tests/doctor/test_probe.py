"""The probe: what the address in its line means, and waiting for that line."""

from __future__ import annotations

import pytest

from flask_errwatch._parsers import TrustedProxies
from flask_errwatch.capture.client_address import ClientAddress, UnknownClient, address_rule
from flask_errwatch.config.values import trusted_proxies
from flask_errwatch.doctor import probe
from flask_errwatch.doctor.probe import client_finding
from tests.doctor.scripted_aws import ScriptedAws, log_entry, shop


@pytest.mark.parametrize(
    ("ip", "source", "trusted", "level", "remedy"),
    [
        ("192.0.2.3", "x-forwarded-for", 2, "problem", "Set ERRWATCH_TRUSTED_PROXIES to 1."),
        ("192.0.2.1", "x-forwarded-for", 4, "problem", "Set ERRWATCH_TRUSTED_PROXIES to 1."),
        ("192.0.2.2", "proxy-fix", 0, "problem", "Lower ProxyFix's x_for by 2."),
        (
            "192.0.2.3",
            "x-forwarded-for",
            trusted_proxies("0.0.0.0/0"),
            "problem",
            "Leave out the networks that clients are in, and let each proxy append what it saw.",
        ),
        (
            "10.0.0.7",
            "peer",
            trusted_proxies("10.9.0.0/16"),
            "problem",
            (
                "Add the networks of the proxies that are missing in ERRWATCH_TRUSTED_PROXIES, "
                "unless you run this inside that network."
            ),
        ),
        (
            "10.0.0.7",
            "peer",
            0,
            "problem",
            (
                "Raise ERRWATCH_TRUSTED_PROXIES by the proxies that are not counted, unless you "
                "run this inside that network."
            ),
        ),
        ("8.8.8.8", "x-forwarded-for", 1, "ok", ""),
        ("8.8.8.8", "peer", 0, "ok", ""),
    ],
)
def test_the_address_in_the_probes_line(
    ip: str, source: str, trusted: TrustedProxies, level: str, remedy: str
) -> None:
    """Each address that the app may record for the probe has its own remedy."""
    finding = client_finding(ClientAddress(ip, source, "counted"), trusted, "X-Forwarded-For")
    assert (finding.level, finding.remedy) == (level, remedy)


@pytest.mark.parametrize(
    ("trusted", "setting", "remedy"),
    [
        (
            2,
            "ERRWATCH_TRUSTED_PROXIES = 2",
            "Lower ERRWATCH_TRUSTED_PROXIES, or let the proxies append to the header.",
        ),
        (
            trusted_proxies("0.0.0.0/0"),
            "the networks in ERRWATCH_TRUSTED_PROXIES",
            (
                "Leave out the networks that clients are in, and let each proxy append to the "
                "header what it saw."
            ),
        ),
    ],
)
def test_a_probe_of_which_only_the_peer_is_known(
    trusted: TrustedProxies, setting: str, remedy: str
) -> None:
    """The finding names the setting, the header and the peer."""
    finding = client_finding(UnknownClient("10.0.0.7", ""), trusted, "Forwarded")
    assert (finding.level, finding.remedy) == ("problem", remedy)
    assert finding.message == (
        f"With {setting}, the app found no address of the probe in Forwarded, only its peer "
        "10.0.0.7."
    )


def test_probe_whose_line_has_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server on a Unix socket gives the app no address. Other lines are skipped meanwhile."""
    aws = ScriptedAws()
    agents: list[str] = []

    def request(_url: str, _token: str, agent: str) -> int:
        agents.append(agent)
        aws.answers(
            "logs",
            "filter_log_events",
            {"events": [log_entry(user_agent="curl")]},
        )
        aws.answers(
            "logs",
            "filter_log_events",
            {"events": [log_entry(user_agent=agent)]},
        )
        return 404

    monkeypatch.setattr(probe, "_request", request)
    waited: list[float] = []
    config = shop()[1]
    finding = probe.probe_finding(
        aws, config, "http://shop.example/", timeout=60, sleep=waited.append
    )
    assert finding.level == "problem"
    assert finding.message.startswith("The server gave the app no address of the probe")
    assert waited == [2.0]
    aws.assert_all_called()


def test_probe_whose_line_has_a_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `ERRWATCH_PRIVACY` no line shows an address with which a setting could be compared."""
    aws = ScriptedAws()

    def request(_url: str, _token: str, agent: str) -> int:
        entry = log_entry(user_agent=agent, client_ip="hmac-0123", client_ip_source="peer")
        aws.answers("logs", "filter_log_events", {"events": [entry]})
        return 404

    monkeypatch.setattr(probe, "_request", request)
    config = shop(PRIVACY="hashed", PRIVACY_KEY="sixteen characters")[1]
    finding = probe.probe_finding(aws, config, "http://shop.example/", timeout=60)
    assert (finding.level, finding.subject) == ("warning", "trusted proxies")
    assert "Not checked: lines have hashes for addresses" in finding.message


@pytest.mark.parametrize(
    ("trusted", "chain", "peer", "is_proof"),
    [
        (1, "8.8.8.8", "10.0.0.7", True),
        (2, "8.8.8.8, 1.1.1.1", "10.0.0.7", True),
        (0, "", "8.8.8.8", True),
        ("none", "", "8.8.8.8", True),
        # Too few trusted proxies: the address is that of a CDN's edge.
        (1, "8.8.8.8, 1.1.1.1", "10.0.0.7", False),
        (0, "8.8.8.8", "1.1.1.1", False),
        # Too many: it is what the probe forged.
        (2, "8.8.8.8", "10.0.0.7", False),
        # An internal proxy that writes no header.
        (0, "", "10.0.0.7", False),
    ],
)
def test_what_proves_the_proxy_rule(
    monkeypatch: pytest.MonkeyPatch,
    trusted: TrustedProxies,
    chain: str,
    peer: str,
    *,
    is_proof: bool,
) -> None:
    """That the app believes the first address that a proxy wrote, and nobody has to compare it."""
    aws = ScriptedAws()
    forwarded = ", ".join(filter(None, (*probe.FORGED, chain)))
    environ = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": forwarded}
    client = address_rule(trusted).client(environ)
    assert isinstance(client, ClientAddress)

    def request(_url: str, _token: str, agent: str) -> int:
        fields = {"client_ip": client.ip, "client_ip_source": client.source}
        entry = log_entry(user_agent=agent, forwarded_claim=client.claim, **fields)
        aws.answers("logs", "filter_log_events", {"events": [entry]})
        return 404

    monkeypatch.setattr(probe, "_request", request)
    config = shop(TRUSTED_PROXIES=trusted)[1]
    sent = probe.send_probe(aws, config, "http://shop.example/", timeout=60)
    assert sent.is_proof is is_proof
    assert (sent.address is None) is (client.ip in probe.FORGED)
