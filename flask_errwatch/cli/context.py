"""What a command works on: the app's state and its AWS account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import current_app

from flask_errwatch.extension import AppState, state_of

if TYPE_CHECKING:
    from flask_errwatch._aws import Aws


def app_and_aws(*, attempts: int | None = None) -> tuple[AppState, Aws]:
    """The state of the current app, and its account and region.

    Args:
        attempts: Attempts of botocore for each call. None is the number for changes.
    """
    from flask_errwatch import _aws

    state = state_of(current_app)
    patience = _aws.PROVISIONING
    if attempts is not None:
        patience = patience._replace(attempts=attempts)
    return state, _aws.Aws.from_config(state.config, patience)
