"""What accounts look like on the wire."""

from datetime import datetime
from typing import Annotated, Any

import sqlalchemy as sa
from chassis.http import Answer
from fastapi import Path
from pydantic import ConfigDict, Field

UUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
Id = Annotated[str, Path(pattern=UUID)]

USER: dict[str, Any] = {
    "id": "0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6",
    "email": "customer@soko.example",
    "username": None,
    "phone": "+254700000001",
    "phone_verified": True,
    "pending_email": None,
    "pending_phone": None,
    "first_name": "Amina",
    "last_name": "Customer",
    "language": "en",
    "role": "customer",
    "mfa_since": None,
    "active": True,
    "verified": True,
    "created_at": "2026-03-01T12:00:00Z",
    "updated_at": "2026-03-01T12:00:00Z",
}


class UserAnswer(Answer):
    """An account. A pending address counts once its code is confirmed (``POST /auth/verify`` with the own token)."""

    model_config = ConfigDict(frozen=True, from_attributes=True, json_schema_extra={"examples": [USER]})

    id: str
    email: str | None
    username: str | None
    phone: str | None
    phone_verified: bool
    pending_email: str | None
    pending_phone: str | None
    first_name: str
    last_name: str
    language: str
    role: str
    mfa_since: datetime | None = Field(description="Since when a login needs a second factor.")
    active: bool
    verified: bool
    created_at: datetime
    updated_at: datetime

    @staticmethod
    def of(row: "sa.Row[Any]") -> "UserAnswer":
        """From a row of ``users``."""
        return UserAnswer.model_validate(row)
