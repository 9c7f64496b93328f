"""Making an account for oneself, and proving that an address is one's own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final, Literal

from chassis.context import Context
from chassis.http import Answer, Body, Caller, Router, current_service, problems, request_context, unguarded
from fastapi import Depends, Request
from pydantic import ConfigDict, Field, SecretStr, StringConstraints, model_validator

from identity import registrations
from identity.accounts import New
from identity.api.origin import address_of
from identity.app import Identity
from identity.codes import Address
from identity.domain import PASSWORD_LONGEST, PASSWORD_SHORTEST
from identity.fields import Email, Language, Line, Phone, Username
from identity.problems import INVALID_CODE, TOO_MANY_ATTEMPTS

router = Router(prefix="/api/v1/auth", tags=["Identity"])

EVEN: Final = 0.1
"""Seconds that an answer takes at least: more than what is done differs for addresses that are known and not."""

Password = Annotated[SecretStr, Field(min_length=PASSWORD_SHORTEST, max_length=PASSWORD_LONGEST)]
Code = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]


class Addressed(Body):
    """One of ``email`` and ``phone``."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "new@soko.example"}]})

    email: Email | None = None
    phone: Phone | None = None

    @model_validator(mode="after")
    def _one_address(self) -> "Addressed":
        if (self.email is None) == (self.phone is None):
            raise ValueError("must hold one of email and phone")
        return self

    def address(self, request: Request) -> Address:
        """Where something is to be sent."""
        network = address_of(request)
        if self.email is not None:
            return Address("email", self.email, network)
        return Address("phone", self.phone or "", network)


class Registration(Addressed):
    """An account to be made; it may log in once its address is confirmed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"email": "new@soko.example", "password": "a long sentence", "first_name": "Amina"}]
        }
    )

    password: Password
    username: Username | None = None
    first_name: Line = ""
    last_name: Line = ""
    language: Language | None = None


class Confirmation(Addressed):
    """The code that was sent to the address."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "new@soko.example", "code": "048213"}]})

    code: Code


class SentAnswer(Answer):
    """A code is on its way, if one is called for."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "verification_sent"}]})

    status: Literal["verification_sent"] = "verification_sent"


class VerifiedAnswer(Answer):
    """The address counts."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "verified"}]})

    status: Literal["verified"] = "verified"


@router.post(
    "/register",
    operation_id="register",
    summary="Make an account for oneself",
    status_code=202,
    response_model=SentAnswer,
    responses=problems(TOO_MANY_ATTEMPTS),
)
async def register(
    body: Registration,
    request: Request,
    _: Caller = Depends(unguarded),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> SentAnswer:
    """The answer does not say whether the address has an account already: its owner is told so there."""
    new = New(**body.model_dump(exclude={"password"}), password=body.password.get_secret_value())
    async with evenly():
        await registrations.register(service, new, body.address(request), context)
    return SentAnswer()


@router.post(
    "/resend-code",
    operation_id="resend_code",
    summary="Send another code",
    status_code=202,
    response_model=SentAnswer,
    responses=problems(TOO_MANY_ATTEMPTS),
)
async def resend_code(
    body: Addressed,
    request: Request,
    caller: Caller = Depends(unguarded),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> SentAnswer:
    """A minute after the last one, then ever later. The code before it does not count any more."""
    async with evenly():
        await registrations.resend(service, body.address(request), caller.user_id, context)
    return SentAnswer()


@router.post(
    "/verify",
    operation_id="verify_address",
    summary="Confirm an address by its code",
    response_model=VerifiedAnswer,
    responses=problems(INVALID_CODE, TOO_MANY_ATTEMPTS),
)
async def verify_address(
    body: Confirmation,
    request: Request,
    caller: Caller = Depends(unguarded),
    context: Context = Depends(request_context),
    service: Identity = Depends(current_service),
) -> VerifiedAnswer:
    """A code is good for ten minutes and five tries. With the own access token: of the address that is pending."""
    async with evenly():
        await registrations.verify(service, body.address(request), body.code, caller.user_id, context)
    return VerifiedAnswer()


@asynccontextmanager
async def evenly() -> AsyncIterator[None]:
    """What is done inside shows in the answer's time no more than it does in its words."""
    loop = asyncio.get_running_loop()
    end = loop.time() + EVEN
    try:
        yield
    finally:
        await asyncio.sleep(end - loop.time())
