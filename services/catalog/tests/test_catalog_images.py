"""Pictures of products: looked into before they are kept, small and upright after it, gone when they are deleted."""

import asyncio
from collections.abc import AsyncIterator, Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from catalog.picture_files import HELD, delete_free, pictures_of
from catalog.service import build
from catalog.settings import Settings
from chassis.fixtures import Harness
from PIL import Image
from shelves import IMAGES, Inventory, kettle, picture, staff, upload


@pytest.fixture
async def shop(running: Callable[..., Any], tmp_path: Path) -> AsyncIterator[Harness]:
    async with running(build, Settings, peers={"inventory": Inventory().app()}, soko_home=tmp_path) as harness:
        yield harness


async def places(shop: Harness) -> list[tuple[str, int]]:
    return [(each["alt"], each["position"]) for each in (await shop.client.get(IMAGES)).json()["items"]]


def files(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "media").rglob("*") if path.is_file()]


async def swept(shop: Harness) -> str:
    """After as long as somebody may need to show what was brought."""
    shop.clock.advance(HELD)
    return await delete_free(shop.service)


async def test_a_picture_is_shown_in_three_sizes_and_kept_for_ever(shop: Harness) -> None:
    await kettle(shop)

    made = await upload(shop, picture(size=(3200, 2400)))

    assert made.status_code == 201, made.text
    shown = (await shop.client.get("/api/v1/products/kettle")).json()["images"]
    assert shown == [made.json()] == (await shop.client.get(IMAGES)).json()["items"]
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
        IMAGES,
        data={"alt": "From the side", "position": "3", "variant_id": variant_id},
        files={"file": ("kettle", picture(kind))},
        headers=staff(shop),
    )

    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["alt"], made["position"], made["variant_id"]) == ("From the side", 0, variant_id)


async def test_what_is_no_picture_is_refused_and_not_kept(shop: Harness, tmp_path: Path) -> None:
    await kettle(shop)

    answer = await upload(shop, b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/png")

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/file")
    assert "must be a JPEG" in answer.json()["detail"]
    assert files(tmp_path) == []


async def test_an_upload_has_8_mib_at_most_and_is_a_picture_by_its_name(shop: Harness) -> None:
    await kettle(shop)

    too_large = await upload(shop, b"x" * (8 * 1024 * 1024 + 1))
    not_one = await upload(shop, b"{}", "application/json")
    nothing = await shop.client.post(IMAGES, files={"other": b"x"}, headers=staff(shop))

    assert (too_large.status_code, not_one.status_code, nothing.status_code) == (413, 415, 422)


async def test_pictures_are_changed_and_deleted(shop: Harness, tmp_path: Path) -> None:
    await kettle(shop)
    first, second = [(await upload(shop, picture(color=each))).json() for each in ("red", "blue")]
    url = f"/api/v1/images/{second['id']}"

    changed = await shop.client.patch(url, json={"position": 0, "alt": "Side"}, headers=staff(shop))
    wrong = await shop.client.patch(url, json={"variant_id": first["id"]}, headers=staff(shop))

    assert (changed.status_code, changed.json()["alt"], wrong.status_code) == (200, "Side", 422)
    assert [each["id"] for each in (await shop.client.get(IMAGES)).json()["items"]] == [second["id"], first["id"]]
    stale = await shop.client.delete(url, headers={**staff(shop), "If-Match": '"1"'})
    gone = await shop.client.delete(url, headers=staff(shop))
    assert (stale.status_code, gone.status_code) == (412, 204)
    assert (await shop.client.delete(url, headers=staff(shop))).status_code == 404
    shown = (await shop.client.get("/api/v1/products/kettle")).json()["images"]
    assert [(each["id"], each["position"]) for each in shown] == [(first["id"], 0)]
    assert await swept(shop) == "deleted the files of 1 pictures"
    assert (await shop.client.get(second["thumbnail"])).status_code == 404
    assert len(files(tmp_path)) == 3


async def test_pictures_stand_at_their_places_without_gaps(shop: Harness) -> None:
    await kettle(shop)

    async def add(alt: str, **more: str) -> str:
        data = {"alt": alt, **more}
        made = await shop.client.post(IMAGES, data=data, files={"file": picture(size=(8, 8))}, headers=staff(shop))
        assert made.status_code == 201, made.text
        return f"/api/v1/images/{made.json()['id']}"

    await add("a", position="7")
    b = await add("b")
    await add("c", position="0")
    assert await places(shop) == [("c", 0), ("a", 1), ("b", 2)]

    await shop.client.patch(b, json={"position": 1}, headers=staff(shop))
    assert await places(shop) == [("c", 0), ("b", 1), ("a", 2)]
    await shop.client.patch(b, json={"position": 1000}, headers=staff(shop))
    assert await places(shop) == [("c", 0), ("a", 1), ("b", 2)]
    await shop.client.patch(b, json={"position": 0}, headers=staff(shop))
    await shop.client.delete(b, headers=staff(shop))
    assert await places(shop) == [("c", 0), ("a", 1)]


async def test_products_that_show_the_same_picture_share_its_files(shop: Harness, tmp_path: Path) -> None:
    await kettle(shop)
    await kettle(shop, "KET-2", name="Other")
    first = (await upload(shop, picture())).json()
    other = "/api/v1/products/other/images"
    headers = {**staff(shop), "Content-Type": "image/jpeg"}
    second = (await shop.client.post(other, content=picture(), headers=headers)).json()

    assert first["id"] != second["id"]
    assert first["large"] == second["large"]
    assert len(files(tmp_path)) == 3
    await shop.client.delete(f"/api/v1/images/{first['id']}", headers=staff(shop))
    assert await swept(shop) == "deleted the files of 0 pictures"
    assert (await shop.client.get(second["large"])).status_code == 200
    await shop.client.delete(f"/api/v1/images/{second['id']}", headers=staff(shop))
    assert await swept(shop) == "deleted the files of 1 pictures"
    assert files(tmp_path) == []


async def test_a_product_has_20_pictures_at_most(shop: Harness, tmp_path: Path) -> None:
    await kettle(shop)
    data = picture(size=(8, 8))

    answers = [await upload(shop, data) for _ in range(20)] + [await upload(shop, picture(size=(9, 9)))]

    assert [each.status_code for each in answers] == [201] * 20 + [409]
    assert answers[-1].json()["type"] == "/problems/too-many-images"
    assert len(files(tmp_path)) == 3


async def test_one_key_adds_one_picture(shop: Harness) -> None:
    await kettle(shop)

    first, again = [await upload(shop, picture(), **{"Idempotency-Key": "k"}) for _ in range(2)]
    other = await upload(shop, picture(color="blue"), **{"Idempotency-Key": "k"})

    assert first.json()["id"] == again.json()["id"]
    assert again.headers["idempotency-replayed"] == "true"
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert len(await places(shop)) == 1


async def test_files_of_what_died_before_it_was_shown_are_deleted_and_no_others(shop: Harness, tmp_path: Path) -> None:
    await kettle(shop)
    shown = (await upload(shop, picture())).json()
    kept = pictures_of(shop.service)
    await kept.keep(shop.service, [await kept.made(picture(color="blue"))])
    assert len(files(tmp_path)) == 6

    assert await delete_free(shop.service) == "deleted the files of 0 pictures"  # somebody may be about to show it
    assert await swept(shop) == "deleted the files of 1 pictures"

    assert len(files(tmp_path)) == 3
    assert (await shop.client.get(shown["large"])).status_code == 200


async def test_a_picture_brought_again_while_its_files_are_deleted_has_them(shop: Harness, tmp_path: Path) -> None:
    await kettle(shop)
    made = (await upload(shop, picture())).json()
    await shop.client.delete(f"/api/v1/images/{made['id']}", headers=staff(shop))
    shop.clock.advance(HELD)

    _, again = await asyncio.gather(delete_free(shop.service), upload(shop, picture()))

    assert again.status_code == 201
    assert (await shop.client.get(again.json()["large"])).status_code == 200
    await swept(shop)
    assert (await shop.client.get(again.json()["large"])).status_code == 200


async def test_a_folder_that_cannot_be_written_is_503_and_nothing_is_half_done(shop: Harness, tmp_path: Path) -> None:
    await kettle(shop)
    (tmp_path / "media").write_text("no folder")

    answer = await upload(shop, picture())

    assert (answer.status_code, answer.json()["service"]) == (503, "media")
    assert await places(shop) == []


async def test_a_file_is_tagged_and_not_sent_again(shop: Harness) -> None:
    await kettle(shop)
    url = (await upload(shop, picture())).json()["medium"]
    answer = await shop.client.get(url)

    again = await shop.client.get(url, headers={"If-None-Match": answer.headers["etag"]})
    part = await shop.client.get(url, headers={"Range": "bytes=0-9"})

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["cache-control"] == answer.headers["cache-control"]
    assert (part.status_code, part.content) == (200, answer.content)


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"position": "-1"}, "/position"),
        ({"position": "9" * 5000}, "/position"),
        ({"position": "first"}, "/position"),
        ({"alt": "a\x00b"}, "/alt"),
        ({"alt": "x" * 201}, "/alt"),
        ({"colour": "red"}, "/colour"),
        ({"variant_id": "none"}, "/variant_id"),
    ],
)
async def test_what_a_form_says_wrongly_is_named(shop: Harness, said: dict[str, str], pointer: str) -> None:
    await kettle(shop)

    answer = await shop.client.post(IMAGES, data=said, files={"file": picture()}, headers=staff(shop))

    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert await places(shop) == []


@pytest.mark.parametrize("body", [b"", b"--x", b"--x\r\nContent-Disposition: form-data; name=file\r\n\r\n"])
async def test_a_form_that_is_none_is_a_problem(shop: Harness, body: bytes) -> None:
    await kettle(shop)

    answer = await upload(shop, body, "multipart/form-data; boundary=x")
    without = await upload(shop, body, "multipart/form-data")

    assert {answer.status_code, without.status_code} <= {400, 422}


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
