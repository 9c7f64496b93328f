"""What real customers' shops are not started with."""

import pytest
from s3 import BUCKET, s3_server
from soko.checks import deploy_advice, deploy_problems, media_problems
from soko.settings import ShopSettings

GOOD = {
    "SOKO_ENV": "production",
    "SOKO_INTERNAL_KEY": "k3v9-Zq8sLw2_xT5bYn7RcE1uMi4OaPd6",
    "PUBLIC_URL": "https://shop.example",
    "DATABASE_URL": "postgresql://soko:k3v9Zq8sLw@db.example",
}


@pytest.fixture(autouse=True)
def _nothing_else_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CARDSIM_URL", "SOKO_FAULTS", "SOKO_RATE_LIMITS", "RABBITMQ_URL", "REDIS_URL", "MEDIA_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def test_a_shop_with_all_it_needs_may_open() -> None:
    assert deploy_problems(ShopSettings()) == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SOKO_ENV", "development", "SOKO_ENV is development"),
        ("SOKO_INTERNAL_KEY", "", "SOKO_INTERNAL_KEY must be 32"),
        ("SOKO_INTERNAL_KEY", "a" * 40, "SOKO_INTERNAL_KEY must be 32"),
        ("PUBLIC_URL", "", "PUBLIC_URL is missing"),
        ("PUBLIC_URL", "http://shop.example", "PUBLIC_URL must be https"),
        ("DATABASE_URL", "", "The embedded PostgreSQL is for development"),
        ("DATABASE_URL", "postgresql://soko:changeme@db.example", "The password in DATABASE_URL"),
        ("REDIS_URL", "rediss://:secret@redis.example", "The password in REDIS_URL"),
        ("CARDSIM_URL", "http://cardsim:8000", "CARDSIM_URL"),
        ("SOKO_FAULTS", "relay.sent:1", "SOKO_FAULTS"),
        ("SOKO_RATE_LIMITS", "off", "SOKO_RATE_LIMITS"),
        ("CARDSIM_WEBHOOK_SECRET", "secret", "CARDSIM_WEBHOOK_SECRET is a published default"),
    ],
)
def test_what_is_missing_or_dangerous_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    assert [line for line in deploy_problems(ShopSettings()) if line.startswith(said)]


def test_a_shop_without_redis_is_told_that_gateways_count_for_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    (advice,) = deploy_advice()
    assert advice.startswith("REDIS_URL is not set")
    monkeypatch.setenv("REDIS_URL", "rediss://:k3v9Zq8sLw@redis.example")
    assert deploy_advice() == deploy_problems(ShopSettings()) == []


def test_a_bucket_that_keeps_no_pictures_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert media_problems() == []
    with s3_server() as s3:
        for name, value in s3.environment(MEDIA_URL=f"s3://{BUCKET}/shop").items():
            monkeypatch.setenv(name, value)
        assert media_problems() == []

        monkeypatch.setenv("MEDIA_URL", "s3://nobodys/shop")
        (missing,) = media_problems()
        monkeypatch.setenv("MEDIA_URL", f"s3://{BUCKET}/shop")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not ours")
        (wrong,) = media_problems()
    (away,) = media_problems()

    assert missing.startswith("MEDIA_URL: s3://nobodys/shop keeps no pictures: ")
    assert missing.endswith("(NoSuchBucket)")
    assert wrong.endswith("(SignatureDoesNotMatch)")
    for line in (missing, wrong, away):
        assert "\n" not in line
        assert "not ours" not in line
