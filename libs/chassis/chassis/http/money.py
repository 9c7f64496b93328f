"""Money on the wire: a decimal string with the currency's own number of digits. Inside it is integer minor units."""

from functools import lru_cache
from typing import Annotated

from babel.numbers import get_currency_precision, list_currencies
from pydantic import BaseModel, ConfigDict, StringConstraints

from chassis.http.problems import invalid

Amount = Annotated[str, StringConstraints(pattern=r"^-?(0|[1-9][0-9]{0,11})(\.[0-9]{1,4})?$")]
"""At most 12 digits before the point: always fits 64 bits of minor units."""

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class Money(BaseModel):
    """``{"amount": "1250.00", "currency": "KES"}``."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_extra={"examples": [{"amount": "1250.00", "currency": "KES"}]}
    )

    amount: Amount
    currency: Currency

    @staticmethod
    def of(minor: int, currency: str) -> "Money":
        """``minor`` units of ``currency``. Raises ``ValueError`` on a currency that does not exist."""
        return _of(minor, currency)

    def minor(self, currency: str, pointer: str = "", *, least: int = 0) -> int:
        """The amount in minor units of the shop's ``currency``.

        ``pointer`` is where this money stands in the body (``/price``). Another currency, more digits than it has, or
        less than ``least`` minor units raise a 422 that names the field.
        """
        if self.currency != currency:
            raise invalid(f"{pointer}/currency", f"must be {currency}")
        precision = digits(currency)
        whole, _, fraction = self.amount.removeprefix("-").partition(".")
        if len(fraction) > precision:
            raise invalid(f"{pointer}/amount", f"must have at most {precision} decimals")
        minor = int(whole + fraction.ljust(precision, "0"))
        minor = -minor if self.amount.startswith("-") else minor
        if minor < least:
            raise invalid(f"{pointer}/amount", f"must be at least {Money.of(least, currency).amount}")
        return minor


@lru_cache
def digits(currency: str) -> int:
    """How many decimals ``currency`` has. Raises ``ValueError`` where it does not exist."""
    if currency not in list_currencies():
        raise ValueError(f"{currency} is not a currency")
    return get_currency_precision(currency)


@lru_cache(maxsize=16384)
def _of(minor: int, currency: str) -> Money:
    precision = digits(currency)
    whole, fraction = divmod(abs(minor), 10**precision)
    sign = "-" if minor < 0 else ""
    amount = f"{sign}{whole}.{fraction:0{precision}}" if precision else f"{sign}{whole}"
    return Money.model_construct(amount=amount, currency=currency)
