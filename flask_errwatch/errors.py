"""The exceptions of this library: one base class, and subclasses that carry their evidence.

Every message contains the key, its value and the remedy.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

_SHOWN = 80


def _shown(value: object) -> str:
    """The value in a message: one line, printable, truncated."""
    text = repr(value)  # it escapes what is not printable, also in other scripts
    if len(text) <= _SHOWN:
        return text
    length = len(value) if isinstance(value, str) else len(text)
    return f"{text[:_SHOWN]}… ({length} characters)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One problem: where it is, the wrong value, and the remedy.

    Args:
        key: The configuration key, argument or field that is wrong.
        value: Its value.
        remedy: What to do, as a sentence.

    Example:
        >>> print(Problem(key="ERRWATCH_SINKS", value="disk", remedy="Use 'cloudwatch'."))
        ERRWATCH_SINKS = 'disk': Use 'cloudwatch'.
    """

    key: str
    value: object
    remedy: str

    def __str__(self) -> str:
        return f"{self.key} = {_shown(self.value)}: {self.remedy}"


class ErrWatchError(Exception):
    """The base class of every exception that this library raises.

    Attributes:
        problems: All problems, never empty.
    """

    problems: tuple[Problem, ...]

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class ConfigurationError(ErrWatchError):
    """Configuration, detectors or alarms have invalid values. All are listed."""


class AlreadyInitialisedError(ErrWatchError):
    """`init_app` was called a second time for the same app."""


class NoAppError(ErrWatchError):
    """A method could not find the app that is meant."""


class JudgeError(ErrWatchError, ValueError):
    """A metric filter, alarm or composite rule that the judge cannot evaluate."""


class UnknownDetectorError(ErrWatchError):
    """`report` was called with a name that is not in the app's catalogue, or that has no lines."""


#: Error codes for a resource that does not exist: of SNS and KMS, Logs, CloudWatch, IAM and WAF.
NOT_FOUND_CODES = frozenset(
    {
        *("NotFound", "NotFoundException", "ResourceNotFoundException"),
        *("ResourceNotFound", "DashboardNotFoundError", "NoSuchEntity"),
        "WAFNonexistentItemException",
    }
)
#: Why a call to AWS failed, as far as the remedy depends on it.
FailureKind = Literal[
    "credentials",
    "region",
    "endpoint",
    "permission",
    "unreachable",
    "throttled",
    "quota",
    "fault",
    "other",
]


class AwsCallError(ErrWatchError):
    """A call to AWS that failed.

    Args:
        action: The IAM action, such as `logs:PutLogEvents`.
        code: The error code of AWS, or the name of botocore's exception.
        message: The message of AWS, on one line.
        remedy: What to do, as a sentence.
        kind: The kind of failure.

    Attributes:
        is_lasting: Whether the remedy is a person's, so that waiting does not help.

    Example:
        >>> print(AwsCallError(action="logs:PutLogEvents", code="AccessDeniedException",
        ...     message="not authorized", remedy="Allow logs:PutLogEvents."))
        logs:PutLogEvents failed with AccessDeniedException (not authorized): \
Allow logs:PutLogEvents.
    """

    def __init__(
        self,
        *,
        action: str,
        code: str,
        message: str,
        remedy: str,
        kind: FailureKind = "other",
    ) -> None:
        self.kind: FailureKind = kind
        self.is_lasting = kind in {"credentials", "region", "endpoint", "permission"}
        self.action = action
        self.code = code
        self.message = message
        self.remedy = remedy
        super().__init__(Problem(key=action, value=code, remedy=remedy))

    @property
    def outcome(self) -> str:
        """What happened, without the message of AWS: the action and the error code."""
        return f"{self.action} failed with {self.code}"

    @property
    def what(self) -> str:
        """What happened: the action, the error code, and the message if there is one."""
        return f"{self.outcome} ({self.message})" if self.message else self.outcome

    @property
    def is_not_found(self) -> bool:
        """Whether the resource of the call does not exist."""
        return self.code in NOT_FOUND_CODES

    def __str__(self) -> str:
        return f"{self.what}: {self.remedy}"


class AwsSetupError(AwsCallError):
    """A call to AWS that was not made: its profile or its endpoint is wrong.

    Example:
        >>> print(AwsSetupError(action="logs:PutLogEvents", code="ProfileNotFound",
        ...     message="The AWS profile 'ann' does not exist", remedy="Use another one."))
        The AWS profile 'ann' does not exist: Use another one.
    """

    @property
    def outcome(self) -> str:
        """What is wrong."""
        return self.message

    @property
    def what(self) -> str:
        """What is wrong."""
        return self.message


class ProvisioningError(ErrWatchError):
    """The AWS resources could not be changed as declared. Applied changes are not undone.

    Args:
        *problems: What prevents it.
        cause: The call that failed, or None when no change was tried.
        applied: The changes that were applied, in words.
        pending: The changes that were not, the failed one first.

    Example:
        >>> print(ProvisioningError(
        ...     Problem(key="alarm", value="shop-not-found-error", remedy="Rename it.")))
        alarm = 'shop-not-found-error': Rename it.
        >>> print(ProvisioningError(applied=["create topic ops"],
        ...     pending=["create alarm shop-scan"]).progress)
        Applied: create topic ops.
        Not applied: create alarm shop-scan.
        Run it again to finish: what already exists is not changed.
    """

    def __init__(
        self,
        *problems: Problem,
        cause: AwsCallError | None = None,
        applied: Iterable[str] = (),
        pending: Iterable[str] = (),
    ) -> None:
        super().__init__(*problems)
        self.cause = cause
        self.applied = tuple(applied)
        self.pending = tuple(pending)

    @property
    def progress(self) -> str:
        """The changes that were applied and those that were not, in sentences."""
        results = (("Applied", self.applied), ("Not applied", self.pending))
        lines = [f"{word}: {', '.join(changes) or 'nothing'}." for word, changes in results]
        hint = "Run it again to finish: what already exists is not changed."
        return "\n".join([*lines, hint])

    def __str__(self) -> str:
        failed = super().__str__() if self.cause is None else str(self.cause)
        if not self.pending:
            return failed
        if self.cause is not None:
            failed = f"Could not {self.pending[0]}: {failed}"
        return f"{failed}\n{self.progress}"


class DestroyError(ProvisioningError):
    """The AWS resources could not all be deleted. What was deleted stays deleted."""

    @property
    def progress(self) -> str:
        """The resources that were deleted and those that were not, in sentences."""
        deleted, left = (
            ", ".join(change.removeprefix("delete ") for change in changes) or "nothing"
            for changes in (self.applied, self.pending)
        )
        hint = "Run it again to finish: it deletes what is left."
        return f"Deleted: {deleted}.\nNot deleted: {left}.\n{hint}"


class PatternSyntaxError(ErrWatchError, ValueError):
    """A filter pattern that CloudWatch Logs would refuse.

    Args:
        source: The whole pattern.
        position: Index of the first wrong character, from 0.
        remedy: What to write instead, as a sentence.

    Example:
        >>> print(PatternSyntaxError("{ $.a == 1 }", 6, "Write '=' for equality."))
        { $.a == 1 }
              ^
        Write '=' for equality.
    """

    def __init__(self, source: str, position: int, remedy: str) -> None:
        self.source = source
        self.position = position
        self.remedy = remedy
        super().__init__(Problem(key="pattern", value=source, remedy=remedy))

    def __str__(self) -> str:
        shown = "".join(char if char.isprintable() else "·" for char in self.source)
        return f"{shown}\n{' ' * self.position}^\n{self.remedy}"


def raise_if(problems: Iterable[Problem]) -> None:
    """Raises one `ConfigurationError` with all the problems, if there are any."""
    evidence = tuple(problems)
    if evidence:
        raise ConfigurationError(*evidence)
