"""The double of AWS WAF refuses what the service refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.fake_waf import FakeWaf

NAME = "shop-blocked-ipv4"


@pytest.fixture(name="waf")
def _waf() -> Iterator[FakeWaf]:
    with FakeWaf() as waf:
        yield waf


def client(waf: FakeWaf, region: str = "eu-central-1") -> Any:
    """A client of the double that tries once."""
    return boto3.client(
        "wafv2",
        region_name=region,
        endpoint_url=waf.url,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"total_max_attempts": 1}),
    )


def refused(code: str) -> Any:
    """Expects an error with that code."""
    return pytest.raises(ClientError, match=code)


def update(waf: FakeWaf, addresses: list[str]) -> None:
    """Writes these addresses into the set, which has been added."""
    wafv2, (one,) = client(waf), waf.service.sets
    wafv2.update_ip_set(
        Name=one.name, Scope="REGIONAL", Id=one.id, LockToken=one.token, Addresses=addresses
    )


@pytest.mark.parametrize(
    ("addresses", "code"),
    [
        (["195.178.188.66/29"], "WAFInvalidParameter"),
        (["0.0.0.0/0"], "WAFInvalidParameter"),
        (["192.0.2.1"], "WAFInvalidParameter"),
        (["2001:db8::/64"], "WAFInvalidParameter"),
        (["192.0.2.1/32", "192.0.2.1/32"], "WAFDuplicateItem"),
        ([f"10.0.{n >> 8}.{n & 255}/32" for n in range(10_001)], "WAFLimitsExceeded"),
    ],
)
def test_addresses_that_are_refused(waf: FakeWaf, addresses: list[str], code: str) -> None:
    """Host bits, /0, no prefix, the other family, duplicates, more than 10,000."""
    one = waf.service.add(NAME, "IPV4", ["198.51.100.1/32"])
    with refused(code):
        update(waf, addresses)
    assert one.addresses == ["198.51.100.1/32"]


def test_the_lock(waf: FakeWaf) -> None:
    """A token is good for one change."""
    one = waf.service.add(NAME, "IPV4")
    wafv2 = client(waf)
    named = {"Name": NAME, "Scope": "REGIONAL", "Id": one.id, "LockToken": one.token}
    first = wafv2.update_ip_set(**named, Addresses=["192.0.2.1/32"])
    with refused("WAFOptimisticLock"):
        wafv2.update_ip_set(**named, Addresses=[])
    assert one.addresses == ["192.0.2.1/32"]
    wafv2.delete_ip_set(**named | {"LockToken": first["NextLockToken"]})
    assert waf.service.sets == []


def test_one_write_a_second() -> None:
    """The second call of one action within a second is throttled."""
    with FakeWaf(write_interval=60) as waf:
        waf.service.add(NAME, "IPV4")
        update(waf, [])
        with refused("ThrottlingException"):
            update(waf, [])


def test_pages_of_two(waf: FakeWaf) -> None:
    """Whatever a caller asks for."""
    for number in range(5):
        waf.service.add(f"set-{number}", "IPV4")
    wafv2, names = client(waf), []
    marker: dict[str, str] = {}
    while True:
        page = wafv2.list_ip_sets(Scope="REGIONAL", Limit=100, **marker)
        names.append([entry["Name"] for entry in page["IPSets"]])
        if "NextMarker" not in page:
            break
        marker = {"NextMarker": page["NextMarker"]}
    assert names == [["set-0", "set-1"], ["set-2", "set-3"], ["set-4"]]


def test_cloudfront_is_in_one_region(waf: FakeWaf) -> None:
    """Elsewhere its calls are refused."""
    with refused("WAFInvalidParameter"):
        client(waf).list_ip_sets(Scope="CLOUDFRONT")
    assert client(waf, "us-east-1").list_ip_sets(Scope="CLOUDFRONT")["IPSets"] == []


def test_names_and_uses(waf: FakeWaf) -> None:
    """A name has no dot and is given once. A set that a rule uses stays."""
    wafv2 = client(waf)
    made = {"Scope": "REGIONAL", "IPAddressVersion": "IPV4", "Addresses": []}
    with refused("WAFInvalidParameter"):
        wafv2.create_ip_set(Name="shop.web", **made)
    summary = wafv2.create_ip_set(Name=NAME, **made)["Summary"]
    with refused("WAFDuplicateItem"):
        wafv2.create_ip_set(Name=NAME, **made)
    rule = {"Name": "blocked", "Statement": {"IPSetReferenceStatement": {"ARN": summary["ARN"]}}}
    waf.service.add_acl("shop", [rule])
    (acl,) = wafv2.list_web_acls(Scope="REGIONAL")["WebACLs"]
    found = wafv2.get_web_acl(Name="shop", Scope="REGIONAL", Id=acl["Id"])["WebACL"]
    assert found["Rules"][0]["Statement"] == rule["Statement"]
    named = {"Name": NAME, "Scope": "REGIONAL", "Id": summary["Id"]}
    with refused("WAFAssociatedItem"):
        wafv2.delete_ip_set(**named, LockToken=summary["LockToken"])
    with refused("WAFNonexistentItem"):
        wafv2.get_ip_set(**named | {"Id": "another"})
