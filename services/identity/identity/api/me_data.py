"""What the shop holds of the caller: to be taken along, to be erased."""

from datetime import datetime
from typing import Annotated, Any

from chassis.context import Context
from chassis.http import (
    UNAVAILABLE,
    UPSTREAM_TIMEOUT,
    Answer,
    Body,
    Caller,
    Problem,
    Router,
    current_service,
    problems,
    request_context,
    signed_in,
)
from chassis.http.auth import CHALLENGE
from fastapi import Depends, Request, Response
from pydantic import ConfigDict, Field, SecretStr

from identity import accounts, erasure, logins
from identity.api import exporting
from identity.api.me import gone
from identity.api.models import USER, UserAnswer
from identity.api.origin import address_of, clear_cookies
from identity.app import Identity
from identity.domain import PASSWORD_LONGEST
from identity.fields import FactorCode
from identity.problems import INVALID_CREDENTIALS, LAST_ADMIN, SECOND_FACTOR_REQUIRED, TOO_MANY_ATTEMPTS

router = Router(prefix="/api/v1/users/me", tags=["Identity"])


class Erasing(Body):
    """The caller's own password, and the code of a second factor: a token that somebody else has is not enough."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"password": "the own password"}]})

    password: Annotated[SecretStr, Field(min_length=1, max_length=PASSWORD_LONGEST)]
    totp: FactorCode | None = None


class ExportAnswer(Answer):
    """All that is kept about the caller, with one more member for each list. Passwords and tokens are in none.

    ``truncated`` names the lists that are longer and of which only the newest 1,000 rows are here.
    """

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "exported_at": "2026-03-01T12:00:00Z",
                    "account": USER,
                    "truncated": [],
                    "sessions": [{"device": "Mozilla/5.0 (X11; Linux x86_64)", "address": "203.0.113.7"}],
                    "orders": [{"number": "SO-1017", "status": "confirmed"}],
                }
            ]
        },
    )
    __pydantic_extra__: dict[str, list[Any]]

    exported_at: datetime
    account: UserAnswer
    truncated: list[str]


@router.get(
    "/export",
    operation_id="export_me",
    summary="All that is kept about the caller, as one document",
    response_model=ExportAnswer,
    responses=problems(TOO_MANY_ATTEMPTS, UNAVAILABLE, UPSTREAM_TIMEOUT),
)
async def export_me(
    response: Response,
    caller: Caller = Depends(signed_in),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> ExportAnswer:
    """Account, addresses, sessions, security events, orders, payments, carts, reviews, messages and all the rest.

    Where a service cannot be reached the answer is the 503 that names it: there is no half of it.
    """
    found = await exporting.export(service, caller.user_id or "", context)
    if found is None:
        raise gone()
    row, export = found
    now = service.world.clock()
    response.headers["Content-Disposition"] = f'attachment; filename="soko-{now:%Y-%m-%d}.json"'
    response.headers["Cache-Control"] = "no-store"
    return ExportAnswer(exported_at=now, account=UserAnswer.of(row), truncated=export.truncated, **export.lists)


@router.delete(
    "",
    operation_id="erase_me",
    summary="Close the own account and erase what is personal",
    status_code=204,
    response_model=None,
    responses=problems(INVALID_CREDENTIALS, SECOND_FACTOR_REQUIRED, LAST_ADMIN, TOO_MANY_ATTEMPTS),
)
async def erase_me(
    body: Erasing,
    request: Request,
    response: Response,
    caller: Caller = Depends(signed_in),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> None:
    """For good. Orders under way keep the name and address until they are delivered or cancelled; figures stay."""
    user_id = caller.user_id or ""
    password, network = body.password.get_secret_value(), address_of(request)
    proven = await logins.prove(service, user_id, network, password, body.totp)
    async with service.unit(context) as unit:
        before = await accounts.owned(unit, user_id)
        if before is None:
            raise gone()
        if before.password_hash != proven:  # it was changed meanwhile
            raise Problem(INVALID_CREDENTIALS, headers=CHALLENGE)
        await erasure.erase(service, unit, before)
    clear_cookies(response)
