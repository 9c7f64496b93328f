"""Pictures in an S3: a real server, spoken to over the network, that checks signatures and goes away."""

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from catalog.picture_files import HELD, Pictures, delete_free
from catalog.pictures import SIZES
from catalog.service import build
from catalog.settings import Settings
from chassis.fixtures import Harness
from pydantic import SecretStr, ValidationError
from s3 import BUCKET, S3, s3_server
from shelves import IMAGES, Inventory, kettle, picture, staff, upload

Open = Callable[..., AbstractAsyncContextManager[Harness]]
FOLDER = f"s3://{BUCKET}/shop"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    with s3_server() as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def opened(running: Callable[..., Any], tmp_path: Path) -> Open:
    def run(url: str = FOLDER) -> Any:
        peers = {"inventory": Inventory().app()}
        return running(build, Settings, peers=peers, soko_home=tmp_path, media_url=SecretStr(url))

    return run


async def test_a_picture_lives_in_the_bucket_until_nobody_shows_it(s3: S3, opened: Open, tmp_path: Path) -> None:
    async with opened() as shop:
        await kettle(shop)

        made = (await upload(shop, picture())).json()

        for size in SIZES:
            assert (await shop.client.get(made[size])).status_code == 200
        assert s3.files() == sorted(f"shop{_path(made[size])}" for size in SIZES)
        await shop.client.delete(f"/api/v1/images/{made['id']}", headers=staff(shop))
        shop.clock.advance(HELD)
        assert await delete_free(shop.service) == "deleted the files of 1 pictures"
        assert s3.files() == []
        assert (await shop.client.get(made["large"])).status_code == 404
    assert not (tmp_path / "media").exists()


def _path(url: str) -> str:
    name, size = url.split("/")[-2:]
    return f"/{name[-2:]}/{name}/{size}"


async def test_while_the_server_is_away_nothing_is_half_done_and_then_all_goes_on(s3: S3, opened: Open) -> None:
    async with opened() as shop:
        await kettle(shop)
        made = (await upload(shop, picture())).json()
        await shop.client.delete(f"/api/v1/images/{made['id']}", headers=staff(shop))
        shop.clock.advance(HELD)
        s3.stop()

        added, seen = await upload(shop, picture(color="blue")), await shop.client.get(made["large"])
        for answer in (added, seen):
            problem = answer.json()
            assert (answer.status_code, problem["service"]) == (503, "media")
            assert "pictures" in problem["detail"]
            assert "retry-after" in answer.headers
        with pytest.raises(Exception, match="S3"):
            await delete_free(shop.service)
        assert (await shop.client.get(IMAGES)).json()["items"] == []

        s3.start()
        assert await delete_free(shop.service) == "deleted the files of 1 pictures"
        again = await upload(shop, picture(color="blue"))
        assert (await shop.client.get(again.json()["large"])).status_code == 200


@pytest.mark.parametrize(
    ("url", "environment", "why"),
    [
        ("s3://nobodys/shop", {}, "NoSuchBucket"),
        (FOLDER, {"AWS_SECRET_ACCESS_KEY": "wrong"}, "SignatureDoesNotMatch"),
        (FOLDER, {"AWS_ACCESS_KEY_ID": "wrong"}, "InvalidAccessKeyId"),
    ],
)
async def test_a_bucket_that_is_not_ours_is_503_and_the_check_says_why(
    s3: S3, opened: Open, monkeypatch: pytest.MonkeyPatch, url: str, environment: dict[str, str], why: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    async with opened(url) as shop:
        await kettle(shop)

        added = await upload(shop, picture())
        seen = await shop.client.get(f"/api/v1/images/{'0' * 40}/large.webp")

        assert (added.status_code, seen.status_code) == (503, 503)
        assert (await shop.client.get(IMAGES)).json()["items"] == []
    missing = await Pictures(Settings(media_url=SecretStr(url))).missing()
    assert missing is not None
    assert why in missing
    assert "\n" not in missing


async def test_a_store_that_keeps_pictures_misses_nothing(s3: S3) -> None:
    assert await Pictures(Settings(media_url=SecretStr(FOLDER))).missing() is None
    assert s3.files() == []


@pytest.mark.parametrize("url", ["pictures", "s3:/pictures", "s3://", "https://pictures.example", "ftp://a/b"])
def test_what_is_no_address_of_a_store_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="s3://bucket/folder"):
        Settings(media_url=SecretStr(url))
