"""Pictures of products: looked into before they are kept, small and upright after it, gone when they are deleted."""

import struct
import zlib
from collections.abc import AsyncIterator, Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from catalog.pictures import MOST_PIXELS, NotAPicture, renditions
from catalog.service import build
from catalog.settings import Settings
from chassis.fixtures import Harness
from PIL import Image
from shelves import Inventory, kettle, staff

URL = "/api/v1/products/kettle/images"


@pytest.fixture
async def shop(running: Callable[..., Any], tmp_path: Path) -> AsyncIterator[Harness]:
    async with running(build, Settings, peers={"inventory": Inventory().app()}, soko_home=tmp_path) as harness:
        yield harness


def picture(kind: str = "JPEG", size: tuple[int, int] = (400, 300), **more: Any) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, "red").save(out, kind, **more)
    return out.getvalue()


def turned_with_a_secret() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by a quarter
    exif[0x010E] = "a secret place"
    exif.get_ifd(0x8825)[1] = "N"
    return picture(size=(400, 300), exif=exif, comment=b"a secret word")


def bomb() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1_000_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


async def upload(shop: Harness, data: bytes, kind: str = "image/jpeg", **headers: str) -> httpx.Response:
    return await shop.client.post(URL, content=data, headers={**staff(shop), "Content-Type": kind, **headers})


def files(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "media").rglob("*") if path.is_file()]


async def test_a_picture_is_shown_in_three_sizes_and_kept_for_ever(shop: Harness) -> None:
    await kettle(shop)

    made = await upload(shop, picture(size=(3200, 2400)))

    assert made.status_code == 201, made.text
    shown = (await shop.client.get("/api/v1/products/kettle")).json()["images"]
    assert shown == [made.json()] == (await shop.client.get(URL)).json()["items"]
    assert (shown[0]["width"], shown[0]["height"], shown[0]["position"]) == (1600, 1200, 0)
    for size, longest in (("thumbnail", 240), ("medium", 720), ("large", 1600)):
        answer = await shop.client.get(shown[0][size])
        assert answer.headers["content-type"] == "image/webp"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert max(Image.open(BytesIO(answer.content)).size) == longest


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_a_form_says_more_of_the_file(shop: Harness, kind: str) -> None:
    product = await kettle(shop)
    variant_id = product["variants"][0]["id"]

    answer = await shop.client.post(
        URL,
        data={"alt": "From the side", "position": "3", "variant_id": variant_id},
        files={"file": ("kettle", picture(kind))},
        headers=staff(shop),
    )

    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["alt"], made["position"], made["variant_id"]) == ("From the side", 3, variant_id)


def test_a_picture_is_turned_upright_and_says_nothing_but_its_pixels() -> None:
    made = renditions(turned_with_a_secret())

    assert (made.width, made.height) == (300, 400)
    for data in made.files.values():
        assert b"secret" not in data
        assert not {b"EXIF", b"XMP ", b"ICCP"} & {data[at : at + 4] for at in range(len(data))}


def test_transparency_stays() -> None:
    out = BytesIO()
    Image.new("RGBA", (10, 10), (0, 0, 0, 0)).save(out, "PNG")

    shown = Image.open(BytesIO(renditions(out.getvalue()).files["thumbnail"]))

    assert shown.convert("RGBA").getpixel((5, 5))[3] == 0  # type: ignore[index]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "must be a JPEG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "must be a JPEG"),
        (picture("GIF"), "must be a JPEG"),
        (picture()[:500], "cannot be read"),
        (bomb(), f"{MOST_PIXELS} pixels"),
    ],
    ids=["nothing", "svg", "gif", "cut off", "bomb"],
)
async def test_what_is_no_picture_is_refused_and_not_kept(shop: Harness, tmp_path: Path, data: bytes, why: str) -> None:
    await kettle(shop)
    with pytest.raises(NotAPicture, match=why):
        renditions(data)

    answer = await upload(shop, data, "image/png")

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/file")
    assert files(tmp_path) == []


async def test_an_upload_has_8_mib_at_most_and_is_a_picture_by_its_name(shop: Harness) -> None:
    await kettle(shop)

    too_large = await upload(shop, b"x" * (8 * 1024 * 1024 + 1))
    not_one = await upload(shop, b"{}", "application/json")
    nothing = await shop.client.post(URL, files={"other": b"x"}, headers=staff(shop))

    assert (too_large.status_code, not_one.status_code, nothing.status_code) == (413, 415, 422)


async def test_pictures_stand_in_their_order_and_are_changed_and_deleted(shop: Harness, tmp_path: Path) -> None:
    await kettle(shop)
    first, second = [(await upload(shop, picture())).json() for _ in range(2)]
    url = f"/api/v1/images/{second['id']}"

    changed = await shop.client.patch(url, json={"position": 0, "alt": "Side"}, headers=staff(shop))
    wrong = await shop.client.patch(url, json={"variant_id": first["id"]}, headers=staff(shop))
    await shop.client.patch(f"/api/v1/images/{first['id']}", json={"position": 1}, headers=staff(shop))

    assert (changed.status_code, changed.json()["alt"], wrong.status_code) == (200, "Side", 422)
    assert [each["id"] for each in (await shop.client.get(URL)).json()["items"]] == [second["id"], first["id"]]
    stale = await shop.client.delete(url, headers={**staff(shop), "If-Match": '"1"'})
    gone = await shop.client.delete(url, headers=staff(shop))
    assert (stale.status_code, gone.status_code) == (412, 204)
    assert [each["id"] for each in (await shop.client.get("/api/v1/products/kettle")).json()["images"]] == [first["id"]]
    assert (await shop.client.get(second["thumbnail"])).status_code == 404
    assert len(files(tmp_path)) == 3


async def test_a_product_has_20_pictures_at_most_and_no_files_of_the_one_too_many(
    shop: Harness, tmp_path: Path
) -> None:
    await kettle(shop)
    data = picture(size=(8, 8))

    answers = [(await upload(shop, data)).status_code for _ in range(21)]

    assert answers == [201] * 20 + [409]
    assert len(files(tmp_path)) == 60


async def test_one_key_adds_one_picture(shop: Harness, tmp_path: Path) -> None:
    await kettle(shop)

    first, again = [await upload(shop, picture(), **{"Idempotency-Key": "k"}) for _ in range(2)]

    assert first.json()["id"] == again.json()["id"]
    assert again.headers["idempotency-replayed"] == "true"
    assert len(files(tmp_path)) == 3


async def test_a_path_out_of_the_folder_leads_nowhere(shop: Harness) -> None:
    for name in ("..", "%2e%2e", "..%2f..%2fx", "a" * 36):
        assert (await shop.client.get(f"/api/v1/images/{name}/large.webp")).status_code == 404


async def test_pictures_may_live_in_any_store_that_obstore_knows(running: Callable[..., Any], tmp_path: Path) -> None:
    folder = tmp_path / "bucket"
    folder.mkdir()
    settings = {"soko_home": tmp_path, "media_url": folder.as_uri()}
    async with running(build, Settings, peers={"inventory": Inventory().app()}, **settings) as shop:
        await kettle(shop)
        made = (await upload(shop, picture())).json()
        assert (await shop.client.get(made["large"])).status_code == 200
        assert len([path for path in folder.rglob("*.webp") if path.is_file()]) == 3
