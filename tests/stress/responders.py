"""Several people block at the same time, and AWS WAF takes one write a second of them all."""

from __future__ import annotations

import threading
import time

from flask_errwatch.respond.blocking.blocker import Blocker
from flask_errwatch.respond.blocking.ip_sets import IpSets
from tests.fake_waf_service import Waf
from tests.respond.blocking.account import FOREIGN, Account, AccountAws, block, shop, states
from tests.stress.harness import Outcome, promises

#: Seconds within which all of them must be done.
LIMIT = 60
#: Entries that others have put in.
_OTHERS = [f"198.51.100.{number}/32" for number in range(200)]


def at_once(responders: int = 8, addresses: int = 5, pace: float = 1) -> Outcome:
    """Each blocks some addresses. All must be in the set, and what others put in as it was.

    Args:
        responders: People.
        addresses: Addresses of each.
        pace: How many seconds of AWS WAF and of its callers a second takes.
    """
    account = Account(waf=Waf(write_interval=1 / pace))
    account.ipv4.addresses += _OTHERS
    failures: list[BaseException] = []
    durations: list[float] = []
    begun = time.monotonic()

    def respond(number: int) -> None:
        aws = AccountAws(account)
        sets = IpSets(
            aws,
            shop(),
            sleep=lambda seconds: time.sleep(seconds / pace),
            clock=lambda: time.monotonic() * pace,
        )
        one = Blocker(aws, sets, shop(), clock=lambda: account.now)
        try:
            block(one, *(f"203.0.113.{number * addresses + n}/32" for n in range(addresses)))
        except BaseException as error:  # noqa: BLE001 - any of them is reported
            failures.append(error)
        durations.append((time.monotonic() - begun) * pace)

    threads = [threading.Thread(target=respond, args=(n,)) for n in range(responders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wanted = [f"203.0.113.{n}/32" for n in range(responders * addresses)]
    present = account.ipv4.addresses
    by_name = {str(one.network): str(one.state) for one in states(account)}
    kept = [entry for entry in present if entry not in wanted]
    blocked = {name for name, state in by_name.items() if state == "blocked"}
    return Outcome(
        case=f"{responders} responders with {addresses} addresses each",
        figures={
            "seconds": round(max(durations), 1),
            "writes": account.waf.accepted["UpdateIPSet"],
            "throttled": account.waf.throttled["UpdateIPSet"],
            "entries": len(present),
            "failures": [repr(error) for error in failures],
        },
        broken=promises(
            nobody_failed=not failures,
            all_addresses_are_in_the_set={*wanted} <= {*present},
            entries_of_others_are_as_they_were=kept == [FOREIGN, *_OTHERS],
            each_own_entry_has_a_line=blocked == {*wanted},
        ),
        late=promises(done_within_a_minute=max(durations) <= LIMIT),
    )
