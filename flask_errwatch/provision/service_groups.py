"""Log groups that AWS services create. They are used, and never created, changed or deleted."""

from __future__ import annotations

from flask_errwatch._lambda import LOG_GROUPS


def owner_of(log_group: str) -> str | None:
    """Returns the owner of a log group by its name, in words. None when it is not a service.

    Names that begin with `/aws/` are those of services: Lambda, Elastic Beanstalk, App Runner.

    Example:
        >>> owner_of("/aws/lambda/shop"), owner_of("/aws/apprunner/shop/1/application")
        ('AWS Lambda', 'an AWS service')
        >>> owner_of("shop") is None
        True
    """
    if log_group.startswith(LOG_GROUPS):
        return "AWS Lambda"
    return "an AWS service" if log_group.startswith("/aws/") else None


def creation_remedy(log_group: str) -> str:
    """Returns what to do when the log group does not exist, as a sentence.

    Example:
        >>> creation_remedy("/aws/lambda/shop")
        'Check ERRWATCH_LOG_GROUP, and invoke the function once: AWS Lambda then creates the group.'
        >>> creation_remedy("shop")
        'Run `flask errwatch apply`.'
    """
    owner = owner_of(log_group)
    if owner is None:
        return "Run `flask errwatch apply`."
    first = (
        "invoke the function once"
        if log_group.startswith(LOG_GROUPS)
        else "let the service write a first line"
    )
    return f"Check ERRWATCH_LOG_GROUP, and {first}: {owner} then creates the group."
