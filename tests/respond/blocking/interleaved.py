"""Runs that make their calls of AWS in a given order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from threading import Condition, Thread

from flask_errwatch._aws import Response
from flask_errwatch.respond.blocking.blocker import Blocker
from flask_errwatch.respond.blocking.ip_sets import IpSets
from tests.respond.blocking.account import Account, AccountAws, shop

#: What a run does, given its way to call AWS.
Act = Callable[[AccountAws], object]


class Turns:
    """Whose call is next. After the given order the first run goes on, and then the second."""

    def __init__(self, order: Sequence[int]) -> None:
        self._order = [*order]
        self._left = {0, 1}
        self._changed = Condition()

    def _next(self) -> int:
        while self._order and self._order[0] not in self._left:
            del self._order[0]
        return self._order[0] if self._order else min(self._left)

    def take(self, run: int, call: Callable[[], Response]) -> Response:
        """Carries out a call of a run when it is its turn."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._next() == run, timeout=20)
            if self._order:
                del self._order[0]
            try:
                return call()
            finally:
                self._changed.notify_all()

    def end(self, run: int) -> None:
        """Notes that a run makes no more calls."""
        with self._changed:
            self._left.discard(run)
            self._changed.notify_all()


class TurnAws(AccountAws):
    """Calls the account when it is its turn."""

    def __init__(self, account: Account, turns: Turns, run: int) -> None:
        super().__init__(account)
        self._turns = turns
        self._run = run

    def call(self, service: str, method: str, /, **arguments: object) -> Response:
        """Carries out one call."""
        return self._turns.take(
            self._run, lambda: super(TurnAws, self).call(service, method, **arguments)
        )


def process(aws: AccountAws) -> Blocker:
    """A process that blocks."""
    sets = IpSets(aws, shop(), sleep=lambda _: None)
    return Blocker(aws, sets, shop(), clock=lambda: aws.account.now)


def orders(first: int, second: int) -> Iterator[list[int]]:
    """Calls of the second run at each place of the first, and the rest of both after them."""
    for before, inside, after in product(range(first), range(1, second + 1), (0, 2)):
        yield [*[0] * before, *[1] * inside, *[0] * after, *[1] * (3 * second)]


def interleave(account: Account, order: Sequence[int], *acts: Act) -> list[BaseException]:
    """Does two things at the same time. Returns what they raised."""
    turns, raised = Turns(order), list[BaseException]()

    def run(number: int, act: Act) -> None:
        try:
            act(TurnAws(account, turns, number))
        except BaseException as error:  # noqa: BLE001 - the test compares it
            raised.append(error)
        finally:
            turns.end(number)

    threads = [Thread(target=run, args=both) for both in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised
