"""The gateway's settings as people write them."""

import pytest
from chassis.settings import broken
from gateway.settings import Settings
from pydantic import ValidationError


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("CORS_ORIGINS", "nonsense", "must be an address such as https://shop.example"),
        ("CORS_ORIGINS", "https://shop.example/pages", "must be an address such as https://shop.example, with nothing"),
        ("CORS_ORIGINS", "https://shop.example, shop.example", "must be an address such as https://shop.example"),
        ("CORS_ORIGINS", "ftp://shop.example", "must be an address such as https://shop.example"),
        ("TRUSTED_PROXIES", "nonsense", "must list addresses or networks such as 10.0.0.0/8, and 'nonsense' is none"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, 10.0.0.0/99", "must list addresses or networks such as 10.0.0.0/8"),
        ("ALLOWED_HOSTS", "https://shop.example", "must list names such as shop.example or *.shop.example"),
        ("ALLOWED_HOSTS", "shop.example:8000", "must list names such as shop.example or *.shop.example"),
        ("PUBLIC_URL", "nonsense", "must be an address such as https://shop.example"),
    ],
)
@pytest.mark.parametrize("environment", ["development", "testing", "staging", "production"])
def test_what_is_none_is_refused_in_one_line_everywhere(
    monkeypatch: pytest.MonkeyPatch, environment: str, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv("SOKO_ENV", environment)
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as refused:
        Settings()
    (line,) = broken(refused.value)
    assert line.startswith(f"{name}: {said}")


def test_lists_are_taken_with_spaces_and_slashes_as_people_leave_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", "https://shop.example/, http://localhost:3000 ,")
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.1, fd00::/8")
    monkeypatch.setenv("ALLOWED_HOSTS", "shop.example, *.shop.example, [::1], *")
    settings = Settings()
    assert settings.origins == {"https://shop.example", "http://localhost:3000"}
    assert [str(each) for each in settings.proxies] == ["10.0.0.1/32", "fd00::/8"]
    assert settings.hosts == {"shop.example", "*.shop.example", "[::1]", "*"}


def test_no_origin_and_any_origin_can_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", "")
    assert Settings().origins == frozenset()
    monkeypatch.setenv("CORS_ORIGINS", "*")
    assert Settings().origins == {"*"}
