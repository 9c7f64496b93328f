"""Changing the own password, and getting back in without it."""

from typing import Annotated, Literal

from chassis.context import Context
from chassis.http import (
    Answer,
    Body,
    Caller,
    Router,
    current_service,
    problems,
    request_context,
    signed_in,
    unguarded,
)
from fastapi import Depends, Request
from pydantic import ConfigDict, Field, SecretStr, StringConstraints

from identity import resets
from identity.api.me import gone
from identity.api.origin import address_of
from identity.api.registration import Addressed, Password, evenly
from identity.app import Identity
from identity.domain import PASSWORD_LONGEST
from identity.problems import INVALID_RESET_TOKEN, TOO_MANY_ATTEMPTS

router = Router(prefix="/api/v1/auth/password", tags=["Identity"])


class PasswordChange(Body):
    """The password that is, and the one to be."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"current_password": "soko-demo-2026", "new_password": "another long sentence"}]
        }
    )

    current_password: Annotated[SecretStr, Field(min_length=1, max_length=PASSWORD_LONGEST)]
    new_password: Password


class PasswordReset(Body):
    """The token that was sent, and the password to be."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"token": "q1Zr…", "new_password": "another long sentence"}]}
    )

    token: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    new_password: Password


class ResetSentAnswer(Answer):
    """A token is on its way, if somebody has an account at the address."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "reset_sent"}]})

    status: Literal["reset_sent"] = "reset_sent"


@router.post(
    "/change",
    operation_id="change_password",
    summary="Change the own password",
    status_code=204,
    response_model=None,
    responses=problems(TOO_MANY_ATTEMPTS),
)
async def change_password(
    body: PasswordChange,
    request: Request,
    caller: Caller = Depends(signed_in),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> None:
    """All other sessions of the account end, this one goes on."""
    old, new = body.current_password.get_secret_value(), body.new_password.get_secret_value()
    network = address_of(request)
    if not await resets.change(service, caller.user_id or "", caller.session_id, network, old, new, context):
        raise gone()


@router.post(
    "/reset",
    operation_id="reset_password",
    summary="Ask for a new password",
    status_code=202,
    response_model=ResetSentAnswer,
    responses=problems(TOO_MANY_ATTEMPTS),
)
async def reset_password(
    body: Addressed,
    request: Request,
    _: Caller = Depends(unguarded),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> ResetSentAnswer:
    """The answer does not say whether anybody is known at the address."""
    async with evenly():
        await resets.ask(service, body.address(request), context)
    return ResetSentAnswer()


@router.post(
    "/reset/confirm",
    operation_id="confirm_password_reset",
    summary="Set a new password by the token that was sent",
    status_code=204,
    response_model=None,
    responses=problems(INVALID_RESET_TOKEN),
)
async def confirm_password_reset(
    body: PasswordReset,
    _: Caller = Depends(unguarded),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> None:
    """A token is good once, for thirty minutes. All sessions end; the address it was sent to counts as confirmed."""
    await resets.confirm(service, body.token, body.new_password.get_secret_value(), context)
