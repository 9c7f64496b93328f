"""What people type, in one form."""

import pytest
from identity import fields


def test_an_email_is_kept_in_lower_case() -> None:
    assert fields.email("A.Customer@Soko.Example") == "a.customer@soko.example"
    assert fields.email("qa@shop.test") == "qa@shop.test"


@pytest.mark.parametrize(
    "value", ["", "nobody", "a@", "@b.example", "a b@c.example", "a@b@c.example", "a\x00@b.example"]
)
def test_what_is_no_email_is_refused(value: str) -> None:
    with pytest.raises(ValueError):
        fields.email(value)


def test_a_phone_is_kept_in_e164() -> None:
    assert fields.phone("+254 700 000-001") == "+254700000001"
    assert fields.phone("0700 000001", "KE") == "+254700000001"


@pytest.mark.parametrize("value", ["", "0700000001", "+1", "+25470000000100000", "call me"])
def test_what_is_no_phone_or_names_no_country_is_refused(value: str) -> None:
    with pytest.raises(ValueError):
        fields.phone(value)


def test_a_country_is_two_letters_that_exist() -> None:
    assert fields.country("ke") == "KE"
    for wrong in ("ZZ", "EU", "Kenya", "K1"):
        with pytest.raises(ValueError):
            fields.country(wrong)


def test_a_line_is_trimmed_and_holds_no_control_characters() -> None:
    assert fields.one_line("  1 Market St ") == "1 Market St"
    for wrong in ("a\nb", "a\x00b", "\x7f"):
        with pytest.raises(ValueError):
            fields.one_line(wrong)
