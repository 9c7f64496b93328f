"""What the shop holds of the caller: to be erased."""

from typing import Annotated

from chassis.context import Context
from chassis.http import Body, Caller, Problem, Router, current_service, problems, request_context, signed_in
from chassis.http.auth import CHALLENGE
from fastapi import Depends, Request, Response
from pydantic import ConfigDict, Field, SecretStr

from identity import accounts, erasure, logins
from identity.api.me import gone
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
