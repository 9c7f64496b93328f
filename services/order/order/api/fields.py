"""What people type, checked and brought to one form: e-mail addresses, phones, countries, lines of an address."""

import re
from typing import Annotated, Final

import phonenumbers
from babel import Locale
from email_validator import EmailNotValidError, validate_email
from fastapi import Path
from pydantic import AfterValidator, StringConstraints

NOT_COUNTRIES: Final = {"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"}
COUNTRIES: Final = frozenset(
    code for code in map(str, Locale("en").territories) if re.fullmatch("[A-Z]{2}", code) and code not in NOT_COUNTRIES
)


def email(value: str) -> str:
    """The address in lower case, its domain as Unicode. Raises ``ValueError``."""
    try:
        checked = validate_email(value, check_deliverability=False, test_environment=True)
    except EmailNotValidError as fault:
        raise ValueError(str(fault)) from None
    return checked.normalized.lower()


def phone(value: str) -> str:
    """The number in E.164 (``+254700000001``)."""
    try:
        number = phonenumbers.parse(value)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        raise ValueError("must be a phone number with its country's code, as in +254700000001")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def country(value: str) -> str:
    """The two letters of ISO 3166, in capitals."""
    if value.upper() not in COUNTRIES:
        raise ValueError("must be a country's two letters, as in KE")
    return value.upper()


ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
UUID = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"

Email = Annotated[str, StringConstraints(max_length=320), AfterValidator(email)]
Phone = Annotated[str, StringConstraints(max_length=32), AfterValidator(phone)]
Country = Annotated[str, StringConstraints(max_length=2), AfterValidator(country)]
Filled = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=ONE_LINE)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=ONE_LINE)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)]
Id = Annotated[str, StringConstraints(pattern=UUID, to_lower=True)]
Sku = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,32}$")]
CouponCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,32}$", to_upper=True)]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")]

OrderId = Annotated[
    str, Path(min_length=1, max_length=64, description="The order's id or number.", examples=["SO-1017"])
]
ThingId = Annotated[str, Path(min_length=1, max_length=64)]
