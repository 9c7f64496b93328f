"""Settings as people write them."""

from datetime import timedelta
from typing import get_args

import pytest
from chassis.main import serve
from chassis.settings import Environment, ProcessSettings, Settings, WithRedis, broken
from pydantic import Field, ValidationError


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


WELL_WRITTEN = {
    "PUBLIC_URL": ["", "https://shop.example", "http://127.0.0.1:8000", "http://[::1]:8000", "https://läden.example"],
    "DATABASE_URL": [
        "",
        "postgresql://db",
        "postgresql://soko:p%40ss@db.example:5432/shop?sslmode=require",
        "postgresql:///shop?host=/run/postgresql",
    ],
    "RABBITMQ_URL": ["", "amqp://guest:guest@127.0.0.1:5672/", "amqps://broker.example/shop"],
}
NONSENSE = ["nonsense", "shop.example", "https://", "ftp://shop.example", "://", "https://a b", "https://shop:x"]
BADLY_WRITTEN = {
    "PUBLIC_URL": [
        *NONSENSE,
        "https://shop.example/soko",
        "https://shop.example?x=1",
        "https://shop.example#x",
        "https://me:secret@shop.example",
        "https://[shop",
        "https://shop.example:99999",
        "https://one.example,https://two.example",
    ],
    "DATABASE_URL": [*NONSENSE, "postgresql://", "postgresql://db:port/shop", "mysql://db/shop"],
    "RABBITMQ_URL": [*NONSENSE, "amqp://", "amqp://broker:x/", "http://broker:15672"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, good in WELL_WRITTEN.items() for value in good])
def test_an_address_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    assert getattr(ProcessSettings(), name.lower()) == value


@pytest.mark.parametrize("environment", get_args(Environment))
@pytest.mark.parametrize(("name", "value"), [(name, value) for name, bad in BADLY_WRITTEN.items() for value in bad])
def test_what_is_no_address_is_refused_in_one_line_everywhere(
    monkeypatch: pytest.MonkeyPatch, environment: str, name: str, value: str
) -> None:
    monkeypatch.setenv("SOKO_ENV", environment)
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as refused:
        ProcessSettings()
    (line,) = broken(refused.value)
    assert line.startswith(f"{name}: must be an address such as {'https' if name == 'PUBLIC_URL' else ''}")
    assert "secret" not in line


@pytest.mark.parametrize(
    "value",
    [
        "",
        "redis://cache.example",
        "redis://soko:p%40ss@[::1]:6379/15",
        "rediss://:pass@cache.example:6380/0?ssl_ca_certs=/etc/ca.pem",
    ],
)
def test_a_redis_is_taken_as_it_is_and_not_shown(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("REDIS_URL", value)
    assert WithRedis().redis_url.get_secret_value() == value
    assert "pass" not in repr(WithRedis())


@pytest.mark.parametrize(
    "value",
    [
        *NONSENSE,
        "redis://",
        "redis://:secret@cache.example/name",
        "redis://:secret@cache.example/0/1",
        "redis://:secret@cache.example:x/0",
        "redis://:secret@cache.example?db=secret",
        "redis://:secret@cache.example?nonsense=secret",
    ],
)
def test_what_is_no_redis_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("REDIS_URL", value)
    with pytest.raises(ValidationError) as refused:
        WithRedis()
    assert broken(refused.value) == ["REDIS_URL: must be an address such as redis://user:password@host:6379/0"]


def test_a_slash_behind_the_shops_address_is_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_URL", "https://shop.example/")
    assert Settings().public_url == "https://shop.example"


def test_a_service_refuses_its_own_database_by_its_own_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class KettleSettings(Settings):
        database_url: str = Field("", validation_alias="KETTLE_DATABASE_URL")

    monkeypatch.setenv("KETTLE_DATABASE_URL", "postgres:secret@db")
    with pytest.raises(SystemExit) as ended:
        serve(lambda settings, world: pytest.fail("built"), KettleSettings)
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        "KETTLE_DATABASE_URL: must be an address such as postgresql://user:password@host:5432/name\n"
    )
