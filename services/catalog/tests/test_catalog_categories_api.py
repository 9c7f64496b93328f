import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from catalog.service import build
from catalog.settings import Settings
from chassis.fixtures import Harness
from soko_contracts import catalog as public


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Harness]:
    async with running(build, Settings) as harness:
        yield harness


def staff(shop: Harness) -> dict[str, str]:
    return shop.bearer("staff-1", "staff", ["catalog:write"])


async def category(shop: Harness, name: str, parent: dict[str, Any] | None = None) -> dict[str, Any]:
    answer = await shop.client.post(
        "/api/v1/categories", json={"name": name, "parent_id": parent and parent["id"]}, headers=staff(shop)
    )
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def product(shop: Harness, sku: str, price: str, **more: Any) -> dict[str, Any]:
    body = {"name": sku, "price": {"amount": price, "currency": "KES"}, "sku": sku, **more}
    answer = await shop.client.post("/api/v1/products", json=body, headers=staff(shop))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def move(
    shop: Harness, what: dict[str, Any], below: dict[str, Any] | None, headers: dict[str, str] | None = None
) -> httpx.Response:
    parent = below and below["id"]
    return await shop.client.patch(
        f"/api/v1/categories/{what['id']}", json={"parent_id": parent}, headers={**staff(shop), **(headers or {})}
    )


async def test_a_category_is_made_read_renamed_and_deleted(shop: Harness) -> None:
    made = await category(shop, "Home & Garden")
    url = f"/api/v1/categories/{made['id']}"

    assert (made["slug"], made["parent_id"]) == ("home-garden", None)
    assert (await shop.client.get("/api/v1/categories/home-garden")).json() == made
    renamed = await shop.client.put(url, json={"name": "Home"}, headers=staff(shop))
    assert (renamed.json()["name"], renamed.json()["slug"]) == ("Home", "home")
    assert (await shop.client.delete(url, headers=staff(shop))).status_code == 204
    assert (await shop.client.get(url)).status_code == 404
    await shop.settle()
    assert [type(each) for each in shop.sent] == [
        public.CategoryCreated,
        public.CategoryUpdated,
        public.CategoryDeleted,
    ]
    assert [each.sequence for each in shop.recorder.envelopes] == [1, 2, 3]


async def test_the_tree_is_one_query_and_as_deep_as_it_gets(shop: Harness) -> None:
    parent, depth = None, 1200
    async with shop.service.database.engine.begin() as sql:
        for n in range(depth):
            await sql.exec_driver_sql(
                "INSERT INTO categories VALUES ($1, $2, $1, $1, 1, now(), now())", (f"c{n}", parent)
            )
            parent = f"c{n}"

    answer = await shop.client.get("/api/v1/categories/tree")

    assert answer.status_code == 200
    assert answer.text.count('"children":[') == depth
    assert answer.text.startswith('{"items":[{"id":"c0","slug":"c0","name":"c0","children":[{"id":"c1"')
    assert answer.text.endswith("]}" * depth + "]}")


async def test_the_tree_shows_every_branch_by_name(shop: Harness) -> None:
    home = await category(shop, "Home")
    await category(shop, "Garden")
    kitchen = await category(shop, "Kitchen", home)
    await category(shop, "Bath", home)
    await category(shop, "Kettles", kitchen)

    tree = (await shop.client.get("/api/v1/categories/tree")).json()

    def shape(nodes: list[dict[str, Any]]) -> list[tuple[str, Any]]:
        return [(node["name"], shape(node["children"])) for node in nodes]

    assert shape(tree["items"]) == [("Garden", []), ("Home", [("Bath", []), ("Kitchen", [("Kettles", [])])])]


async def test_a_category_never_stands_below_itself(shop: Harness) -> None:
    home = await category(shop, "Home")
    kitchen = await category(shop, "Kitchen", home)
    kettles = await category(shop, "Kettles", kitchen)

    for what, below in ((home, home), (home, kitchen), (home, kettles)):
        answer = await move(shop, what, below)
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/category-cycle")
    assert (await move(shop, kettles, home)).status_code == 200
    assert (await move(shop, kettles, None)).json()["parent_id"] is None


async def test_two_moves_at_once_make_no_ring(shop: Harness) -> None:
    for n in range(5):
        one, other = await category(shop, f"One {n}"), await category(shop, f"Other {n}")

        answers = await asyncio.gather(move(shop, one, other), move(shop, other, one))

        assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_a_category_with_something_in_it_stays(shop: Harness) -> None:
    home = await category(shop, "Home")
    kitchen = await category(shop, "Kitchen", home)
    await product(shop, "KET-1", "1.00", category_id=kitchen["id"])

    for each, what in ((home, "categories"), (kitchen, "products")):
        answer = await shop.client.delete(f"/api/v1/categories/{each['id']}", headers=staff(shop))
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/category-in-use")
        assert what in answer.json()["detail"]


async def test_a_category_that_is_deleted_while_a_product_comes_keeps_one_of_both(shop: Harness) -> None:
    for n in range(8):
        home = await category(shop, f"Home {n}")
        deleted, made = await asyncio.gather(
            shop.client.delete(f"/api/v1/categories/{home['id']}", headers=staff(shop)),
            shop.client.post(
                "/api/v1/products",
                json={
                    "name": "A",
                    "price": {"amount": "1", "currency": "KES"},
                    "sku": f"A{n}",
                    "category_id": home["id"],
                },
                headers=staff(shop),
            ),
        )
        assert (deleted.status_code, made.status_code) in ((204, 422), (409, 201))


async def test_a_parent_must_be_there(shop: Harness) -> None:
    answer = await shop.client.post("/api/v1/categories", json={"name": "A", "parent_id": "no"}, headers=staff(shop))

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/parent_id")


async def test_a_stale_if_match_is_412(shop: Harness) -> None:
    home = await category(shop, "Home")
    tag = (await shop.client.get(f"/api/v1/categories/{home['id']}")).headers["etag"]
    url = f"/api/v1/categories/{home['id']}"

    first = await shop.client.patch(url, json={"name": "A"}, headers={**staff(shop), "If-Match": tag})
    second = await shop.client.patch(url, json={"name": "B"}, headers={**staff(shop), "If-Match": tag})

    assert (first.status_code, second.status_code) == (200, 412)


async def test_the_list_pages_and_keeps_to_a_parent(shop: Harness) -> None:
    home = await category(shop, "Home")
    for name in ("c", "A", "b"):
        await category(shop, name, home)

    below = (await shop.client.get("/api/v1/categories?parent=home&limit=2")).json()

    assert [each["name"] for each in below["items"]] == ["A", "b"]
    assert (below["total"], below["next"]) == (3, "/api/v1/categories?parent=home&limit=2&offset=2")
    assert (await shop.client.get("/api/v1/categories")).json()["total"] == 4


async def test_the_average_price_is_of_all_below_and_counts_each_product_once(shop: Harness) -> None:
    home = await category(shop, "Home")
    kitchen = await category(shop, "Kitchen", home)
    empty = await category(shop, "Empty")
    await product(shop, "A", "10.00", category_ids=[home["id"], kitchen["id"]])
    await product(shop, "B", "10.01", category_id=kitchen["id"])
    await product(shop, "C", "10.01", category_id=kitchen["id"])
    await product(shop, "D", "999.00", category_id=home["id"], status="draft")

    answer = (await shop.client.get("/api/v1/categories/home/average-price")).json()
    nothing = (await shop.client.get(f"/api/v1/categories/{empty['id']}/average-price")).json()

    assert answer == {
        "average": {"amount": "10.01", "currency": "KES"},
        "lowest": {"amount": "10.00", "currency": "KES"},
        "highest": {"amount": "10.01", "currency": "KES"},
        "product_count": 3,
    }
    assert nothing == {"average": None, "lowest": None, "highest": None, "product_count": 0}
    assert (await shop.client.get("/api/v1/categories/no/average-price")).status_code == 404
