"""Whether AWS is an emulator on this machine, such as the lab, and addresses are its own."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask_errwatch.capture.addresses import address_text

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws


def emulator_of(aws: Aws) -> str | None:
    """The endpoint of the calls if it is on this machine, else None.

    Args:
        aws: The account and region.
    """
    endpoint = str(aws.client("sts").meta.endpoint_url)
    return endpoint if is_on_this_machine(endpoint) else None


def is_on_this_machine(url: str) -> bool:
    """Whether the host of a URL is this machine itself.

    Example:
        >>> is_on_this_machine("http://localhost:5000/"), is_on_this_machine("https://aws.example")
        (True, False)
    """
    host = urlsplit(url).hostname or ""
    return host == "localhost" or is_loopback(host)


def is_loopback(ip: str) -> bool:
    """Whether the address is one with which programs of one machine reach each other."""
    address = address_text(ip)
    return address != "" and ip_address(address).is_loopback
