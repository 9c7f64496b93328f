"""The own second factor: set up, confirmed, given up."""

from datetime import datetime
from typing import Annotated, Any

import sqlalchemy as sa
from chassis.context import Context
from chassis.http import (
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
from chassis.unit import Unit
from fastapi import Depends, Request, Response
from pydantic import ConfigDict, Field, JsonValue, SecretStr

from identity import accounts, factors, logins
from identity.api.me import gone
from identity.api.origin import address_of
from identity.app import Identity
from identity.domain import PASSWORD_LONGEST
from identity.fields import FactorCode
from identity.problems import (
    INVALID_CODE,
    INVALID_CREDENTIALS,
    MFA_ENABLED,
    MFA_NOT_ENABLED,
    TOO_MANY_ATTEMPTS,
)
from identity.tables import users

router = Router(prefix="/api/v1/users/me/mfa", tags=["Identity"])

Password = Annotated[SecretStr, Field(min_length=1, max_length=PASSWORD_LONGEST)]
RECOVERY: list[JsonValue] = ["k3jq-x7wd-2m5t-hcva", "pz4e-n6sb-y2lk-q7mf"]


class MfaAnswer(Answer):
    """Whether a login needs a second factor. ``since`` and codes are of one that is enabled."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"enabled": True, "since": "2026-03-01T12:00:00Z", "recovery_codes_left": 10}]}
    )

    enabled: bool
    since: datetime | None
    recovery_codes_left: int


class Enrolling(Body):
    """The own password: a token that somebody else got hold of is not enough."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"password": "the own password"}]})

    password: Password


class EnrolmentAnswer(Answer):
    """What the authenticator app is given: one of the three. It is shown this once."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
                    "uri": "otpauth://totp/Soko:customer%40soko.example?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Soko",
                    "qr": "data:image/svg+xml;charset=utf-8,%3Csvg…",
                }
            ]
        }
    )

    secret: str = Field(description="To be typed in.")
    uri: str = Field(description="To be opened on the phone.")
    qr: str = Field(description="The same as a picture to be scanned: a data URI of an SVG.")


class Confirming(Body):
    """The code that the app shows now."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"code": "123456"}]})

    code: FactorCode


class Proof(Body):
    """The own password and a code: six digits, or a recovery code."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"password": "the own password", "code": "123456"}]})

    password: Password
    code: FactorCode


class RecoveryCodesAnswer(Answer):
    """Each counts once in place of the six digits. They are shown this once."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"recovery_codes": RECOVERY}]})

    recovery_codes: list[str]


@router.get(
    "",
    operation_id="get_mfa",
    summary="Show whether the own account has a second factor",
    response_model=MfaAnswer,
)
async def get_mfa(caller: Caller = Depends(signed_in), service: Identity = Depends(current_service)) -> MfaAnswer:
    async with service.database.engine.connect() as sql:
        row = (await sql.execute(sa.select(users.c.mfa_since).where(users.c.id == caller.user_id))).one_or_none()
    if row is None:
        raise gone()
    left = await factors.left(service.database.pool, caller.user_id or "")
    return MfaAnswer(enabled=row.mfa_since is not None, since=row.mfa_since, recovery_codes_left=left)


@router.post(
    "",
    operation_id="enrol_mfa",
    summary="Set up a second factor for the own account",
    status_code=201,
    response_model=EnrolmentAnswer,
    responses=problems(INVALID_CREDENTIALS, MFA_ENABLED, TOO_MANY_ATTEMPTS),
)
async def enrol(
    body: Enrolling,
    request: Request,
    response: Response,
    caller: Caller = Depends(signed_in),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> EnrolmentAnswer:
    """Logins ask for it once a code was confirmed, within the hour. Asked again, only the newest secret counts."""
    state = await get_mfa(caller, service)
    if state.enabled:
        raise Problem(MFA_ENABLED)
    proven = await logins.prove(service, caller.user_id or "", address_of(request), body.password.get_secret_value())
    async with service.unit(context) as unit:
        made = await factors.enrol(service, unit, await _own(unit, caller, proven))
    response.headers["Cache-Control"] = "no-store"
    return EnrolmentAnswer(secret=made.secret, uri=made.uri, qr=made.qr)


@router.post(
    "/confirm",
    operation_id="confirm_mfa",
    summary="Enable the second factor by its first code",
    response_model=RecoveryCodesAnswer,
    responses=problems(INVALID_CODE, MFA_ENABLED, TOO_MANY_ATTEMPTS),
)
async def confirm(
    body: Confirming,
    request: Request,
    response: Response,
    caller: Caller = Depends(signed_in),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> RecoveryCodesAnswer:
    """All other sessions of the account end: they were opened without it. Keep the recovery codes somewhere safe."""
    network, user_id = address_of(request), caller.user_id or ""
    codes = await factors.confirm(service, user_id, caller.session_id, network, body.code, context)
    if codes is None:
        raise gone()
    response.headers["Cache-Control"] = "no-store"
    return RecoveryCodesAnswer(recovery_codes=codes)


@router.post(
    "/recovery-codes",
    operation_id="renew_recovery_codes",
    summary="Get other recovery codes",
    response_model=RecoveryCodesAnswer,
    responses=problems(INVALID_CREDENTIALS, MFA_NOT_ENABLED, TOO_MANY_ATTEMPTS),
)
async def renew(
    body: Proof,
    request: Request,
    response: Response,
    caller: Caller = Depends(signed_in),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> RecoveryCodesAnswer:
    """The old ones count no more."""
    proven = await _proven(service, caller, request, body)
    async with service.unit(context) as unit:
        codes = await factors.renew(unit, await _own(unit, caller, proven))
    response.headers["Cache-Control"] = "no-store"
    return RecoveryCodesAnswer(recovery_codes=codes)


@router.delete(
    "",
    operation_id="disable_mfa",
    summary="Give the second factor of the own account up",
    status_code=204,
    response_model=None,
    responses=problems(INVALID_CREDENTIALS, MFA_NOT_ENABLED, TOO_MANY_ATTEMPTS),
)
async def disable(
    body: Proof,
    request: Request,
    caller: Caller = Depends(signed_in),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> None:
    """The password alone is enough again, and the recovery codes are gone. The owner is told."""
    proven = await _proven(service, caller, request, body)
    async with service.unit(context) as unit:
        await factors.disable(service, unit, await _own(unit, caller, proven))


async def _proven(service: Identity, caller: Caller, request: Request, body: Proof) -> str:
    password, network = body.password.get_secret_value(), address_of(request)
    return await logins.prove(service, caller.user_id or "", network, password, body.code)


async def _own(unit: Unit, caller: Caller, proven: str) -> "sa.Row[Any]":
    """The caller's account, locked. 401 where it is gone, or its password was changed since it was proven."""
    row = await accounts.owned(unit, caller.user_id or "")
    if row is None:
        raise gone()
    if row.password_hash != proven:
        raise Problem(INVALID_CREDENTIALS, headers=CHALLENGE)
    return row
