"""What is recorded of the exception behind a response.

Flask sends `got_request_exception` for an exception that no error handler answers. Frameworks on
top of Flask send it for exceptions that they answer themselves, and apps send it by hand. So the
signal alone does not show that no handler answered: the status that was sent decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import Context
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final, NamedTuple

from werkzeug.exceptions import HTTPException

from flask_errwatch.capture.request_body import Input, is_transport_error
from flask_errwatch.detectors import OWASP, Catalogue, Detector

#: The lowest status of a failed request.
FIRST_FAILURE: Final = 400
#: The status of a crash, and what a server sends when the app sent none.
SERVER_ERROR: Final = 500
#: The status that nginx logs for a client that closed the connection. No standard has one: the
#: detector that claims it, by default `client-error`, has the failures of a request's own body.
_CLIENT_CLOSED_REQUEST: Final = 499


class AnsweredBy(Enum):
    """Who answers an exception."""

    #: An error handler of the app, or of a framework, or itself, if it is an `HTTPException`.
    HANDLER = auto()
    #: No error handler: Flask answers with 500, or raises it.
    NOBODY = auto()
    #: Unknown: a framework or the app sent the signal. The status that was sent shows it.
    UNKNOWN = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """An exception of a request.

    Attributes:
        error: The exception.
        answered_by: Who answers it.
        context: Where hooks run once the request context has ended, or None.
    """

    error: BaseException
    answered_by: AnsweredBy
    context: Context | None = None


# A dataclass of so many fields would take another microsecond of every failing request.
class Outcome(NamedTuple):
    """What is recorded of a response.

    Attributes:
        detector: The detector of its event, or None when the request did not fail.
        error: The exception in the event, or None.
        is_handled: Whether the exception was answered on purpose.
        is_named: Whether the detector claims the class of the exception.
        user: The user in the event. Empty: not known. None: the user who is signed in, if it is
            configured.
        data: Fields under `data`, or None.
    """

    detector: Detector | None
    error: BaseException | None = None
    is_handled: bool = False
    is_named: bool = False
    user: str | None = None
    data: Mapping[str, object] | None = None


def outcome(failure: Failure, code: int, catalogue: Catalogue, wsgi_input: Input) -> Outcome:
    """What is recorded of a response behind which there is an exception.

    Args:
        failure: The exception, and who answers it.
        code: The status that was sent, or 0 when nothing was sent.
        catalogue: The app's detectors.
        wsgi_input: The request's `wsgi.input`.
    """
    error, answered_by = failure.error, failure.answered_by
    is_abort = isinstance(error, HTTPException) and answered_by is not AnsweredBy.NOBODY
    claimed = catalogue.for_status(code)
    named = catalogue.for_exception(error, code)
    if named is not None and is_transport_error(error, wsgi_input):
        named = None  # the client's failure, whatever its class
    if named is None and is_abort:
        return Outcome(detector=claimed)
    if answered_by is AnsweredBy.UNKNOWN:
        # A framework or an app that has no answer of its own sends what Flask sends.
        answered_by = AnsweredBy.NOBODY if code in {0, SERVER_ERROR} else AnsweredBy.HANDLER
    is_handled = answered_by is AnsweredBy.HANDLER
    if named is not None:
        shown = None if is_abort else error
        word = OWASP.get(named.name)
        data = None if word is None else {"owasp": word}
        return Outcome(detector=named, error=shown, is_handled=is_handled, is_named=True, data=data)
    detector = claimed if is_handled else catalogue.critical
    if detector is not None and is_transport_error(error, wsgi_input):
        detector = catalogue.for_status(_CLIENT_CLOSED_REQUEST)
    return Outcome(detector=detector, error=error, is_handled=is_handled)


def decisive_failure(known: Failure | None, later: Failure) -> Failure:
    """Which of two exceptions of a request is recorded.

    The first one: a framework answers an exception by raising or signalling another, whose frames
    are not those of the fault. But an exception for which Flask finds no handler is a new fault,
    such as one in an error handler, and has the first in its chain. An `abort()` in an error
    handler does not count as one: it leaves the first without an answer.
    """
    if known is None:
        return later
    if known.error is later.error:
        is_final = known.answered_by is AnsweredBy.NOBODY or later.answered_by is AnsweredBy.UNKNOWN
        return known if is_final else later
    if later.answered_by is not AnsweredBy.NOBODY:
        return known
    return replace(later, error=known.error) if isinstance(later.error, HTTPException) else later


def unwrapped(error: BaseException) -> BaseException:
    """The exception that Flask or a framework wrapped in an `InternalServerError`."""
    original = (
        getattr(error, "original_exception", None) if isinstance(error, HTTPException) else None
    )
    return original if isinstance(original, BaseException) else error
