"""Which exceptions are control flow, and which are failures.

Frameworks end a command, retry a task or answer a request by raising. They are recognised by the
names of their classes, because no framework is imported here.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from flask_errwatch.capture.contexts import current_request
from flask_errwatch.capture.request_body import is_transport_error

#: Exceptions that steer, subclasses included, and where that is documented or to be seen.
_CONTROL_FLOW: Final = frozenset(
    {
        # Python: the end of an iteration (PEP 234, PEP 492), a cancelled future.
        *("builtins.StopIteration", "builtins.StopAsyncIteration"),
        "concurrent.futures._base.CancelledError",
        # click: the end of a command, an interrupted prompt, a message for the user (Exception
        # Handling and Exit Codes). Typer has copies since 0.27.
        *("click.exceptions.Exit", "click.exceptions.Abort", "click.exceptions.ClickException"),
        *("typer.exceptions.Exit", "typer.exceptions.Abort", "typer.exceptions.TyperException"),
        # Celery: Retry, Ignore and Reject, its "semi-predicates" (celery.exceptions).
        "celery.exceptions.TaskPredicate",
        # Huey: cancelled, to be retried, limited, locked (huey.exceptions, RETRYING_EXCEPTIONS).
        *("huey.exceptions.CancelExecution", "huey.exceptions.RetryTask"),
        *("huey.exceptions.RateLimitExceeded", "huey.exceptions.TaskLockedException"),
        # Dramatiq: to be retried, which its worker does not log as an error (dramatiq.worker).
        *("dramatiq.errors.Retry", "dramatiq.errors.RateLimitExceeded"),
        # arq: to be retried (arq.worker).
        *("arq.worker.Retry", "arq.worker.RetryJob"),
        # taskiq: requeued, rejected (taskiq.context).
        *("taskiq.exceptions.NoResultError", "taskiq.exceptions.TaskRejectedError"),
    }
)

#: Exceptions that are a response while a request is served: it has an event of its own. Elsewhere
#: nothing turns them into one.
_ANSWERS: Final = frozenset(
    {
        "werkzeug.exceptions.HTTPException",
        "werkzeug.routing.exceptions.RoutingException",
    }
)


def is_failure(error: BaseException) -> bool:
    """Whether a job failed from which the exception escapes.

    `SystemExit`, `KeyboardInterrupt`, `GeneratorExit` and `CancelledError` never count as failures:
    none of them is an `Exception`.

    Example:
        >>> is_failure(ValueError("row 3")), is_failure(StopIteration()), is_failure(SystemExit(1))
        (True, False, False)
    """
    if not issubclass(type(error), Exception):  # not by `__class__`, which may be forged
        return False
    names = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__}
    if not names.isdisjoint(_CONTROL_FLOW):
        return False
    request = current_request()
    if request is not None:
        wsgi_input = request.environ.get("wsgi.input")
        if not names.isdisjoint(_ANSWERS) or is_transport_error(error, wsgi_input):
            return False
    return not _is_expected_by_celery(error)


def _is_expected_by_celery(error: BaseException) -> bool:
    """Whether the current Celery task expects the exception, or is retried because of it.

    `throws` and `autoretry_for` are options of a task. Celery handles them around the function of
    the task, and so around a watch inside that function.
    """
    celery: Any = sys.modules.get("celery")
    task: Any = getattr(celery, "current_task", None)
    try:
        if not task:
            return False
        if isinstance(error, tuple(task.throws or ())):
            return True
        will_retry = (
            hasattr(task, "_orig_run")  # Celery's mark of a task that it retries by itself
            and isinstance(error, tuple(task.autoretry_for))
            and not isinstance(error, tuple(getattr(task, "dont_autoretry_for", ())))
            and not task.request.called_directly
        )
        return will_retry and not _is_exhausted(task)
    except (AttributeError, TypeError):  # not a task as Celery documents it
        return False


def _is_exhausted(task: Any) -> bool:
    """Whether the current attempt of the task is its last."""
    options = getattr(task, "retry_kwargs", None) or {}
    most = options.get("max_retries", task.max_retries)
    most = getattr(task, "override_max_retries", most)
    return most is not None and task.request.retries >= most
