"""What people type, checked and brought to one form: e-mail addresses, usernames, phones, languages, countries."""

import re
from typing import Annotated, Final

import phonenumbers
from babel import Locale
from email_validator import EmailNotValidError, validate_email
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


def phone(value: str, country: str | None = None) -> str:
    """The number in E.164 (``+254700000001``); without its country's code only where ``country`` says which."""
    try:
        number = phonenumbers.parse(value, country)
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


def one_line(value: str) -> str:
    """Trimmed text without control characters."""
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ValueError("must not hold control characters")
    return value.strip()


def factor_code(value: str) -> str:
    """Six digits, or a recovery code, without the spaces and dashes that people read them with."""
    code = "".join(value.split()).replace("-", "").lower()
    if not re.fullmatch("[0-9]{6}|[a-z2-7]{16}", code):
        raise ValueError("must be the six digits of the authenticator app, or a recovery code")
    return code


def not_empty(value: str) -> str:
    """Something besides spaces."""
    if not value:
        raise ValueError("must not be empty")
    return value


FactorCode = Annotated[str, StringConstraints(max_length=32), AfterValidator(factor_code)]
RoleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,31}$")]
Email = Annotated[str, StringConstraints(max_length=320), AfterValidator(email)]
Phone = Annotated[str, StringConstraints(max_length=32), AfterValidator(phone)]
Username = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{2,31}$")]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]
Country = Annotated[str, StringConstraints(max_length=2), AfterValidator(country)]
Line = Annotated[str, StringConstraints(max_length=200), AfterValidator(one_line)]
Filled = Annotated[str, StringConstraints(max_length=200), AfterValidator(one_line), AfterValidator(not_empty)]
