"""Money on the wire."""

import pytest
from chassis.http import Money, Problem
from hypothesis import given
from hypothesis import strategies as some
from pydantic import ValidationError

CURRENCIES = ["KES", "USD", "JPY", "KWD", "UGX"]


@pytest.mark.parametrize(
    ("minor", "currency", "amount"),
    [
        (125000, "KES", "1250.00"),
        (5, "KES", "0.05"),
        (0, "KES", "0.00"),
        (-5, "KES", "-0.05"),
        (1250, "JPY", "1250"),
        (1, "KWD", "0.001"),
    ],
)
def test_minor_units_are_shown_with_the_digits_of_the_currency(minor: int, currency: str, amount: str) -> None:
    assert Money.of(minor, currency) == Money(amount=amount, currency=currency)


@given(some.integers(-(10**11), 10**11), some.sampled_from(CURRENCIES))
def test_what_goes_out_comes_in_as_the_same_amount(minor: int, currency: str) -> None:
    shown = Money.of(minor, currency)
    read = Money.model_validate_json(shown.model_dump_json())
    assert read.minor(currency, least=minor) == minor


@given(some.integers(0, 10**11), some.sampled_from(CURRENCIES))
def test_missing_decimals_are_zeros(minor: int, currency: str) -> None:
    amount = Money.of(minor, currency).amount
    short = amount.rstrip("0").rstrip(".") if "." in amount else amount
    assert Money(amount=short, currency=currency).minor(currency) == minor


@pytest.mark.parametrize(
    "amount",
    [
        "",
        "1,50",
        "1.",
        ".5",
        "01.00",
        "1e3",
        "NaN",
        "+1.00",
        " 1.00",
        "1.00\n",
        "1.00000",
        "1234567890123",
        "\N{ARABIC-INDIC DIGIT ONE}",
    ],
)
def test_an_amount_is_a_plain_decimal_number(amount: str) -> None:
    with pytest.raises(ValidationError):
        Money(amount=amount, currency="KES")


@pytest.mark.parametrize("amount", [1, 1.5, None, True])
def test_an_amount_is_text_and_never_a_number(amount: object) -> None:
    with pytest.raises(ValidationError):
        Money.model_validate({"amount": amount, "currency": "KES"})


def test_another_currency_is_refused_by_name() -> None:
    with pytest.raises(Problem) as refused:
        Money(amount="1.00", currency="USD").minor("KES", "/price")
    assert refused.value.errors == (("/price/currency", "must be KES"),)


def test_more_decimals_than_the_currency_has_are_refused() -> None:
    with pytest.raises(Problem) as refused:
        Money(amount="1.005", currency="KES").minor("KES", "/price")
    assert refused.value.errors == (("/price/amount", "must have at most 2 decimals"),)


def test_less_than_nothing_is_refused_unless_the_field_allows_it() -> None:
    with pytest.raises(Problem) as refused:
        Money(amount="-0.01", currency="KES").minor("KES", "/price")
    assert refused.value.errors == (("/price/amount", "must be at least 0.00"),)
    assert Money(amount="-0.01", currency="KES").minor("KES", least=-100) == -1


def test_a_currency_that_does_not_exist_is_an_error_of_ours() -> None:
    with pytest.raises(ValueError, match="XQZ is not a currency"):
        Money.of(1, "XQZ")
