"""What a failed call means: its kind, the IAM action and the remedy."""

from __future__ import annotations

from flask_errwatch._text import described, one_line
from flask_errwatch.errors import AwsCallError, AwsSetupError, FailureKind

_CODES: dict[FailureKind, frozenset[str]] = {
    "credentials": frozenset(
        {
            *("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"),
            *("TokenRetrievalError", "SSOTokenLoadError", "UnauthorizedSSOTokenError"),
            *("ProfileNotFound", "UnrecognizedClientException", "InvalidClientTokenId"),
            *("SignatureDoesNotMatch", "InvalidSignatureException", "ExpiredToken"),
            *("ExpiredTokenException", "MissingAuthenticationToken"),
            *("MissingAuthenticationTokenException", "InvalidAccessKeyId", "InvalidToken"),
        }
    ),
    "endpoint": frozenset({"InvalidEndpointError"}),
    "region": frozenset({"NoRegionError", "InvalidRegionError"}),
    "permission": frozenset(
        {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"}
    ),
    "unreachable": frozenset(
        {
            *("EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError"),
            *("ConnectionClosedError", "ConnectionError", "ProxyConnectionError", "SSLError"),
            *("HTTPClientError", "IncompleteReadError", "ResponseStreamingError"),
        }
    ),
    "throttled": frozenset(
        {"Throttling", "ThrottlingException", "TooManyRequestsException", "SlowDown"}
    ),
    "quota": frozenset({"LimitExceededException", "LimitExceeded", "WAFLimitsExceededException"}),
}

_REMEDIES: dict[FailureKind, str] = {
    "credentials": (
        "Give the process AWS credentials: a role of the instance, task or function, or "
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; an expired session needs a new one."
    ),
    "region": (
        "Set ERRWATCH_REGION (or AWS_DEFAULT_REGION, or AWS_REGION) to the region of the log group."
    ),
    "endpoint": "Use a URL such as 'http://127.0.0.1:4566', or unset it for AWS itself.",
    "permission": "Allow {action} in the IAM policy of this process's role.",
    "unreachable": (
        "Nothing answers there: check ERRWATCH_ENDPOINT_URL or AWS_ENDPOINT_URL, the "
        "route to the internet and, in a private subnet, the VPC endpoint."
    ),
    "throttled": "AWS asks for fewer calls: {again}.",
    "quota": "A quota of the account is reached: delete unused resources or request an increase.",
    "fault": "AWS has an internal fault: {again}.",
    "other": "See the message; the AWS API Reference describes the call.",
}

#: The errors of a profile and of an endpoint, which are raised before any call.
_OF_SETUP = frozenset({"ProfileNotFound", "InvalidEndpointError"})

#: The remedies for errors that have one of their own.
_REMEDIES_OF_CODES = {
    "ProfileNotFound": (
        "Use a profile of your AWS configuration: `aws configure list-profiles` lists them."
    ),
    "NoSuchBucket": "Check the name of the bucket, and that this is its account.",
    # A body that broke off: its endpoint answered.
    "IncompleteReadError": "The connection broke: run it again.",
    "ResponseStreamingError": "The connection broke: run it again.",
    "NoSuchKey": "The object was deleted after it was listed.",
    "InvalidObjectState": (
        "The object is archived: restore it first, as with `aws s3api restore-object`."
    ),
    "WAFAssociatedItemException": (
        "A rule of a web ACL or of a rule group refers to the IP set: remove that rule first."
    ),
    "WAFOptimisticLockException": (
        "The IP set was changed after it was read: run the command again."
    ),
}


class InvalidEndpointError(Exception):
    """The endpoint of a service is not a URL.

    Args:
        name: What sets it: an environment variable, or a setting.
        value: Its value. None if it is not known.
    """

    def __init__(self, name: str, value: str | None) -> None:
        # Without a user and a password, and for one line.
        shown = "" if value is None else f" = {one_line(value.rpartition('@')[2], 80)!r}"
        super().__init__(f"{name}{shown} is not the URL of an endpoint")


def call_error(
    service: str, method: str, error: Exception, *, is_sender: bool = False
) -> AwsCallError:
    """The error of a failed call, with its IAM action and remedy.

    Args:
        service: boto3's name of the service.
        method: boto3's name of the method, or the operation's.
        error: What was raised.
        is_sender: Whether it is a call of the sender, which tries again by itself.
    """
    response = getattr(error, "response", None)
    details = response.get("Error", {}) if isinstance(response, dict) else {}
    code = str(details.get("Code") or type(error).__name__)
    message = _message(str(details.get("Message") or "")) if details else _own_message(error)
    if code == "ProfileNotFound":
        # The exception's fields have the name, which its message repeats in other words.
        message = f"The AWS profile {_profile(error)!r} does not exist"
    metadata = response.get("ResponseMetadata", {}) if isinstance(response, dict) else {}
    action = _refused_action(message) or f"{service}:{_action_name(method)}"
    kind = _kind(code, metadata.get("HTTPStatusCode"))
    # No call was made.
    error_class = AwsSetupError if code in _OF_SETUP else AwsCallError
    return error_class(
        action=action,
        code=code,
        message=message,
        kind=kind,
        remedy=_REMEDIES_OF_CODES.get(code)
        or _REMEDIES[kind].format(
            action=action, again="it is tried again later" if is_sender else "run it again later"
        ),
    )


def _profile(error: Exception) -> str:
    """The name of a profile that does not exist."""
    return one_line(str(getattr(error, "kwargs", {}).get("profile")), 80)


def _own_message(error: Exception) -> str:
    """The message of an exception, without its class: that is the code."""
    return described(error).removeprefix(type(error).__name__).removeprefix(": ")


def _message(message: str) -> str:
    """The message of AWS, on one line. Proxies and emulators answer with pages, too."""
    if message.lstrip().startswith("<"):
        return "the answer is a page, not one of AWS"
    return one_line(message)


def endless(service: str, method: str) -> AwsCallError:
    """The error of a list whose next page is the same page again."""
    return AwsCallError(
        action=f"{service}:{_action_name(method)}",
        code="nextToken",
        message="the next page is the same page again",
        remedy="The list has no end: run it again.",
        kind="fault",
    )


def _refused_action(message: str) -> str:
    """The action that IAM refused, which may be another than the call's: `iam:PassRole`."""
    refused = message.partition("not authorized to perform: ")[2]
    return refused.partition(" ")[0]


#: The actions of methods that are called otherwise (Service Authorization Reference, Amazon S3).
_ACTIONS = {"list_objects_v2": "ListBucket"}

#: Parts of the methods of AWS WAF whose actions are in capitals.
_ACRONYMS = {"ip": "IP", "acl": "ACL", "acls": "ACLs"}


def _action_name(method: str) -> str:
    """The action of a method of boto3, or of an operation, whose name it is."""
    parts = (_ACRONYMS.get(part) or f"{part[:1].upper()}{part[1:]}" for part in method.split("_"))
    return _ACTIONS.get(method) or "".join(parts)


def _kind(code: str, status: object) -> FailureKind:
    for kind, codes in _CODES.items():
        if code in codes:
            return kind
    return "fault" if isinstance(status, int) and status >= 500 else "other"
