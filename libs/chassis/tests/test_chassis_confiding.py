"""What services confide to each other."""

from urllib.parse import quote

import pytest
from chassis.confiding import NotConfided, confide, confided, signed, verified
from pydantic import SecretStr

KEY = SecretStr("the key that all services of a shop share")


def test_what_was_confided_is_read_with_the_same_key_and_shows_nothing() -> None:
    told = confide(KEY, "482913")

    assert "482913" not in told
    assert confided(KEY, told) == "482913"
    assert confide(KEY, "482913") != told


@pytest.mark.parametrize("told", ["", "x", "482913", "é", "A" * 48])
def test_what_nobody_confided_is_refused(told: str) -> None:
    with pytest.raises(NotConfided):
        confided(KEY, told)


def test_what_was_changed_on_the_way_is_refused() -> None:
    told = confide(KEY, "482913")
    with pytest.raises(NotConfided):
        confided(KEY, told[:-4] + ("AAAA" if told[-4:] != "AAAA" else "BBBB"))


def test_another_shops_key_reads_nothing() -> None:
    with pytest.raises(NotConfided):
        confided(SecretStr("another shop's key, just as long as that"), confide(KEY, "482913"))


def test_what_was_signed_is_the_same_each_time_and_verified_for_its_purpose_alone() -> None:
    token = signed(KEY, "unsubscribe", "u-1 orders é")

    assert signed(KEY, "unsubscribe", "u-1 orders é") == token
    assert quote(token, safe="") == token
    assert verified(KEY, "unsubscribe", token) == "u-1 orders é"
    with pytest.raises(NotConfided):
        verified(KEY, "log in", token)
    with pytest.raises(NotConfided):
        verified(SecretStr("another shop's key, just as long as that"), "unsubscribe", token)


def test_what_nobody_signed_is_refused() -> None:
    text, _, mark = signed(KEY, "unsubscribe", "u-1").partition(".")
    other = signed(KEY, "unsubscribe", "u-2").partition(".")[0]
    altered = (f"{text}.", f"{other}.{mark}", f"{text}.{mark[:-1]}", f"{text}.\udc80")
    for token in ("", ".", text, f"é.{mark}", f"_w.{mark}", "\udc80.", *altered):
        with pytest.raises(NotConfided):
            verified(KEY, "unsubscribe", token)
