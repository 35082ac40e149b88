"""The networks behind the names `aws:cloudfront` and `aws:vpc` in `ERRWATCH_TRUSTED_PROXIES`.

Nothing is downloaded at run time. `aws:cloudfront` is a copy of what AWS published on 2026-08-22
(https://ip-ranges.amazonaws.com/ip-ranges.json, service `CLOUDFRONT_ORIGIN_FACING`, sync token
1787411825): the addresses from which CloudFront connects to an origin, adjacent networks joined.
docs/servers.md shows the command that gives today's networks instead of the name.
"""

from __future__ import annotations

from typing import Final

#: From where CloudFront connects to origins.
CLOUDFRONT: Final = (
    *("3.29.57.0/26", "3.172.0.0/17", "13.124.199.0/24", "15.158.0.0/16", "18.68.0.0/16"),
    *("24.110.128.0/17", "52.46.0.0/18", "52.82.128.0/23", "52.82.134.0/23", "54.182.128.0/20"),
    *("54.182.144.0/21", "54.182.154.0/23", "54.182.156.0/22", "54.182.160.0/21"),
    *("54.182.172.0/22", "54.182.176.0/21", "54.182.184.0/22", "54.182.188.0/23"),
    *("54.182.224.0/21", "54.182.240.0/21", "54.182.248.0/22", "54.239.134.0/23"),
    *("54.239.170.0/23", "54.239.204.0/22", "54.239.208.0/21", "64.252.64.0/18"),
    *("64.252.128.0/18", "70.132.0.0/18", "130.176.0.0/18", "130.176.64.0/21", "130.176.72.0/22"),
    *("130.176.76.0/24", "130.176.78.0/23", "130.176.80.0/22", "130.176.86.0/23"),
    *("130.176.88.0/21", "130.176.96.0/19", "130.176.128.0/21", "130.176.136.0/23"),
    *("130.176.140.0/22", "130.176.144.0/20", "130.176.160.0/19", "130.176.192.0/19"),
    *("204.246.166.0/24", "205.251.218.0/24"),
    *("2600:9000:1000::/36", "2600:9000:5200::/40", "2600:9000:6000::/36"),
)

#: Private addresses, from which a VPC usually has its own (RFC 1918), and the shared address space
#: (RFC 6598), which EKS uses for pods. A VPC's IPv6 networks are its own: no name has them.
VPC: Final = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")

NAMES: Final = {"aws:cloudfront": CLOUDFRONT, "aws:vpc": VPC}
