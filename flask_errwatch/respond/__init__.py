"""From an alarm to an answer: whose requests they were, what these were after, and a block.

`investigation` takes these steps, one after the other:

```text
alarm/         the alarm in AWS: its state, which lines it counts, and the window in which it fired
reading/       the lines of the window and of the hour before, or the rows of queries
ranking/       their sums by source, path, user, exception and release
answer/        what they look like: a `Verdict`, in a `Story`
explanations   why the alarm fired, what is not known, and what to do next
investigation  these steps in their order
views/         the story as text, page and JSON
blocking/      blocks of sources in AWS WAF: brakes, lines, IP sets
aws_lambda/    the events of a function in AWS Lambda, its blocks, and its reports
alarm_handler  the steps of that function: `lambda_handler`
```

`moments` reads the times that a person asks about. `ranking`, `answer` and `views` are pure, and so
are most modules of `blocking` and `aws_lambda`.
"""

from __future__ import annotations

__all__ = ["lambda_handler"]


def lambda_handler(event: object, context: object) -> dict[str, list[str]]:
    """A function of AWS Lambda that answers alarms: it publishes `why`, and blocks if it may.

    It takes notifications of SNS, an alarm's own action, and events of EventBridge, those of the
    contributors of log alarms included. Only a change to ALARM counts. A scheduled event unblocks
    what has expired. Everything else, its own reports included, is ignored. The configuration is
    that of the environment: `ERRWATCH_APP_NAME`, `ERRWATCH_REPORT_TOPIC`, `ERRWATCH_AUTO_BLOCK` …

    Args:
        event: What Lambda passes.
        context: What Lambda passes: alarms of another account than the function's are ignored.

    Returns:
        Under `results`, a sentence for each thing that happened.

    Raises:
        ErrWatchError: When the configuration is wrong or AWS refused a call. Lambda tries again.

    Example:
        >>> lambda_handler({"Records": []}, None)
        {'results': []}
    """
    # Here, since a command imports this package for much less.
    from flask_errwatch.respond.alarm_handler import handle

    return handle(event, context)
