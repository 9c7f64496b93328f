"""Settings as people write them."""

from datetime import timedelta

import pytest
from chassis.settings import Settings
from pydantic import ValidationError


@pytest.mark.parametrize(
    ("written", "seconds"), [("PT15M", 900), ("900", 900), ("1.5", 1.5), ("00:15:00", 900), ("P1D", 86_400)]
)
def test_a_duration_is_iso_8601_or_seconds(monkeypatch: pytest.MonkeyPatch, written: str, seconds: float) -> None:
    monkeypatch.setenv("PAYMENT_WINDOW", written)
    assert Settings().payment_window == timedelta(seconds=seconds)


@pytest.mark.parametrize("written", ["soon", "-5", "-PT5M", "0", "nan", "1e99", "15m", ""])
def test_what_is_no_duration_is_refused(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("PAYMENT_WINDOW", written)
    with pytest.raises(ValidationError):
        Settings()
