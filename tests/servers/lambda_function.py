"""A function of AWS Lambda with serverless-wsgi, and what its runtime does with it.

`python -m tests.servers.lambda_function` reads one event per line of standard input, and writes
each answer to the descriptor that its argument names. Standard output belongs to the log, as in
Lambda, where answers go to the runtime's API.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from serverless_wsgi import handle_request

from tests.servers.recipe_app import app, errwatch


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answers one event. The last line is needed with the sink `cloudwatch` only."""
    try:
        answer: dict[str, Any] = handle_request(app, event, context)
        return answer
    finally:
        errwatch.flush(app=app)


def main() -> None:
    """Serves events until standard input ends."""
    answers = int(sys.argv[1])
    for line in sys.stdin:
        answer = handler(json.loads(line), None)
        os.write(answers, json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    main()
