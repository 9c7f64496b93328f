"""What addresses look like on the wire."""

from datetime import datetime
from typing import Annotated, Any

import sqlalchemy as sa
from chassis.http import Answer, Body
from pydantic import ConfigDict, Field, StrictBool

from identity.fields import Country, Filled, Line

ADDRESS: dict[str, Any] = {
    "name": "A. Customer",
    "phone": "+254700000001",
    "line1": "1 Market St",
    "line2": None,
    "city": "Nairobi",
    "region": None,
    "postal_code": "00100",
    "country": "KE",
    "instructions": None,
    "default": True,
}


class Address(Body):
    """Where something goes. The first address is the default; ``default`` makes another one so."""

    model_config = ConfigDict(json_schema_extra={"examples": [ADDRESS]})

    name: Filled
    phone: Annotated[str, Field(max_length=32)]
    line1: Filled
    line2: Line | None = None
    city: Filled
    region: Line | None = None
    postal_code: Line | None = None
    country: Country
    instructions: Annotated[Line, Field(max_length=500)] | None = None
    default: StrictBool = False


class AddressChange(Body):
    """What is left out stays as it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"line1": "2 Market St", "default": True}]})

    name: Filled = ""
    phone: Annotated[str, Field(max_length=32)] = ""
    line1: Filled = ""
    line2: Line | None = None
    city: Filled = ""
    region: Line | None = None
    postal_code: Line | None = None
    country: Country = ""
    instructions: Annotated[Line, Field(max_length=500)] | None = None
    default: StrictBool = True


class AddressAnswer(Answer):
    """An address of the caller's."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"id": "0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6", **ADDRESS}]}
    )

    id: str
    name: str
    phone: str
    line1: str
    line2: str | None
    city: str
    region: str | None
    postal_code: str | None
    country: str
    instructions: str | None
    default: bool
    created_at: datetime
    updated_at: datetime

    @staticmethod
    def of(row: "sa.Row[Any]") -> "AddressAnswer":
        """From a row of ``addresses``."""
        return AddressAnswer.model_validate({**row._mapping, "default": row.is_default})
