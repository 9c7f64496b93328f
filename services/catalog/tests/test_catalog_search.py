"""Searching: whatever is typed, wrongly too, and what is shown of where it was found."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from catalog.service import build
from catalog.settings import Settings
from chassis.fixtures import Harness
from shelves import Inventory, kes, kettle, make, names


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Harness]:
    async with running(build, Settings, peers={"inventory": Inventory().app()}) as harness:
        yield harness


async def asked(shop: Harness, path: str, **query: Any) -> dict[str, Any]:
    answer = await shop.client.get(f"/api/v1/products{path}", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_word_counts_most_in_the_name_then_in_the_brand_then_in_the_sku_then_in_the_description(
    shop: Harness,
) -> None:
    await kettle(shop, "A-1", name="Trivet", description="Stands under a zebra kettle.")
    await kettle(shop, "ZEBRA-1", name="Tray")
    await kettle(shop, "A-2", name="Mug", brand="Zebra")
    await kettle(shop, "A-3", name="Zebra Lamp")

    assert await names(shop, "search=zebra") == ["Zebra Lamp", "Mug", "Tray", "Trivet"]


async def test_a_whole_word_comes_before_the_beginning_of_another(shop: Harness) -> None:
    await kettle(shop, "A-1", name="Kettlebell")
    await kettle(shop, "A-2", name="Kettle")
    await kettle(shop, "A-3", name="Everyday Kettlebell")

    assert (await names(shop, "search=kettle"))[0] == "Kettle"


async def test_a_product_is_found_by_the_beginning_of_a_sku_and_by_its_parts(shop: Harness) -> None:
    await kettle(shop, "KET-0042.B", name="Lamp")

    for typed in ("KET-0042.B", "ket-00", "0042", "ket 0042"):
        assert await names(shop, f"search={typed}") == ["Lamp"], typed


async def test_a_new_variants_sku_is_found_too(shop: Harness) -> None:
    lamp = await kettle(shop, "LAMP-S", name="Lamp", options={"size": "S"})
    await make(shop, f"/api/v1/products/{lamp['id']}/variants", sku="XYZ99", options={"size": "M"})

    assert await names(shop, "search=xyz99") == ["Lamp"]


async def test_typing_errors_are_corrected_by_the_catalogs_own_words(shop: Harness) -> None:
    await kettle(shop, "A", name="Whistling Kettle")
    await kettle(shop, "B", name="Bedside Lamp", brand="Nuru")

    for typed, meant in (("keetle", "kettle"), ("wistling ketle", "whistling kettle"), ("besdide", "bedside")):
        found = await asked(shop, "", search=typed)
        assert (found["corrected"], found["total"]) == (meant, 1), typed


async def test_what_can_be_found_is_not_corrected(shop: Harness) -> None:
    await kettle(shop, "A", name="Kettle", description="Sturdy.")
    await kettle(shop, "B", name="Study", brand="Nuru")

    assert (await asked(shop, "", search="kettle"))["corrected"] is None
    assert (await asked(shop, "", search="sturdy"))["corrected"] is None
    nothing = await asked(shop, "", search="sturdy", brand="Nuru")
    assert (nothing["items"], nothing["corrected"]) == ([], None)
    beyond = await asked(shop, "", search="kettle", page=2)
    assert (beyond["items"], beyond["corrected"]) == ([], None)


async def test_a_correction_keeps_the_filters_and_goes_on_to_the_next_page(shop: Harness) -> None:
    for n in range(5):
        await kettle(shop, f"K{n}", name=f"Kettle {n}", brand="Jiko" if n else "Nuru")

    first = await asked(shop, "", search="kettel", brand="Jiko", limit=3, cursor="")
    second = (await shop.client.get(first["next"])).json()

    assert (first["corrected"], second["corrected"]) == ("kettle", "kettle")
    assert sorted(each["name"][-1] for each in first["items"] + second["items"]) == ["1", "2", "3", "4"]
    assert second["next"] is None


async def test_words_that_come_later_are_known_soon(shop: Harness) -> None:
    await kettle(shop, "A", name="Kettle")
    await asked(shop, "", search="lanptern")
    await kettle(shop, "B", name="Lantern")
    shop.clock.advance(timedelta(seconds=11))

    assert (await asked(shop, "", search="lantren"))["corrected"] == "lantern"


async def test_what_was_found_is_marked_and_all_else_escaped(shop: Harness) -> None:
    await kettle(shop, "A", name="Kettle <b>& Co</b>", description="Two kettles <script>boil</script> a litre.")

    (item,) = (await asked(shop, "", search="kettle"))["items"]

    assert item["highlights"]["name"] == "<mark>Kettle</mark> &lt;b&gt;&amp; Co&lt;/b&gt;"
    assert "<mark>kettles</mark>" in item["highlights"]["description"]
    assert "<script>" not in item["highlights"]["description"]
    assert (await asked(shop, ""))["items"][0]["highlights"] is None


async def test_suggestions_come_by_the_beginnings_of_words(shop: Harness) -> None:
    await make(shop, "/api/v1/categories", name="Kettles and Pots")
    await kettle(shop, "A", name="Whistling Kettle", brand="Kettle & Co")
    await kettle(shop, "B", name="Lamp", brand="kettle & co", description="No kettle.")
    await kettle(shop, "C", name="Gone Kettle", status="draft")

    found = await asked(shop, "/suggest", search="ket")

    assert [each["name"] for each in found["products"]] == ["Whistling Kettle"]
    assert [each["name"] for each in found["categories"]] == ["Kettles and Pots"]
    assert [each.lower() for each in found["brands"]] == ["kettle & co"]
    assert (await asked(shop, "/suggest", search="k", limit=1))["products"]
    assert (await asked(shop, "/suggest", search="whi ket"))["products"]
    assert (await asked(shop, "/suggest", search="kettel"))["corrected"] == "kettle"
    assert not any((await asked(shop, "/suggest", search="!?")).values())


async def test_suggested_brands_are_all_that_begin_so(shop: Harness) -> None:
    for n, brand in enumerate(("Jiko", "Jirani", "Mara", "jiko")):
        await kettle(shop, f"B{n}", brand=brand)

    assert [each.lower() for each in (await asked(shop, "/suggest", search="Ji"))["brands"]] == ["jiko", "jirani"]


@pytest.mark.parametrize("query", ["", "search=", "search=a&limit=0", "search=a&limit=21", "search=a&brand=b"])
async def test_a_wrong_question_for_suggestions_is_422(shop: Harness, query: str) -> None:
    assert (await shop.client.get(f"/api/v1/products/suggest?{query}")).status_code == 422


async def test_filters_keep_products_by_attribute_and_rating(shop: Harness) -> None:
    await kettle(shop, "A", name="Steel", attributes={"material": "steel", "colour": "red"})
    await kettle(shop, "B", name="Glass", attributes={"material": "glass", "colour": "red"})
    await kettle(shop, "C", name="Wood", attributes={"material": "wood"})
    async with shop.service.database.engine.begin() as sql:
        await sql.exec_driver_sql("UPDATE products SET rating_sum = 9, review_count = 2 WHERE name = 'Glass'")

    async def found(**query: Any) -> set[str]:
        return {each["name"] for each in (await asked(shop, "", **query))["items"]}

    assert await found(**{"attributes.material": ["steel", "wood"]}) == {"Steel", "Wood"}
    assert await found(**{"attributes.material": ["steel", "wood"], "attributes.colour": "red"}) == {"Steel"}
    assert await found(**{"attributes.weight": "1"}) == set()
    assert await found(min_rating="4.5") == {"Glass"}
    assert await found(min_rating="4.6") == set()
    assert (await names(shop, "ordering=-rating"))[0] == "Glass"


async def test_prices_are_filtered_and_ordered_by_what_one_pays_now(shop: Harness) -> None:
    await kettle(shop, "A", name="Dear", price=kes("100.00"))
    sold = await kettle(shop, "B", name="Sale", price=kes("120.00"))
    now = shop.clock()
    async with shop.service.database.engine.begin() as sql:
        await sql.exec_driver_sql("DELETE FROM offers WHERE product_id = $1", (sold["id"],))
        await sql.exec_driver_sql(
            "INSERT INTO offers VALUES ($1, '-infinity', $2, 12000, null), ($1, $2, $3, 6000, 50),"
            " ($1, $3, 'infinity', 12000, null)",
            (sold["id"], now + timedelta(hours=1), now + timedelta(hours=2)),
        )
        await sql.exec_driver_sql(
            "UPDATE products SET current_until = $2 WHERE id = $1", (sold["id"], now + timedelta(hours=1))
        )

    seen = []
    for _ in range(3):
        await shop.settle()
        seen.append(
            (await names(shop, "ordering=price"), await names(shop, "on_sale=true"), await names(shop, "max_price=60"))
        )
        shop.clock.advance(timedelta(hours=1))

    assert seen == [(["Dear", "Sale"], [], []), (["Sale", "Dear"], ["Sale"], ["Sale"]), (["Dear", "Sale"], [], [])]


async def test_a_cursor_goes_through_a_list_in_any_ordering(shop: Harness) -> None:
    for n in range(7):
        await kettle(shop, f"K{n}", name=f"Kettle {n}", price=kes(f"{n % 3}.00"))

    for query in ("ordering=price", "ordering=-price,name", "ordering=rating", "search=kettle", "ordering=-created_at"):
        whole = await names(shop, f"{query}&limit=7")
        parts, following = list[str](), f"/api/v1/products?{query}&limit=3&cursor="
        while following:
            page = (await shop.client.get(following)).json()
            assert "items" in page, (query, page)
            parts += [each["name"] for each in page["items"]]
            following = page["next"]
        assert parts == whole, query


@pytest.mark.parametrize("held", [False, True], ids=["by PostgreSQL", "by bitmaps"])
async def test_facets_count_what_another_choice_would_find(shop: Harness, held: bool) -> None:
    home = await make(shop, "/api/v1/categories", name="Home")
    kitchen = await make(shop, "/api/v1/categories", name="Kitchen", parent_id=home["id"])
    garden = await make(shop, "/api/v1/categories", name="Garden", parent_id=home["id"])
    both = [kitchen["id"], garden["id"]]
    await kettle(shop, "A", category_ids=both, brand="Jiko", price=kes("15.00"), attributes={"material": "steel"})
    await kettle(shop, "B", category_id="kitchen", brand="Jiko", price=kes("99.00"), attributes={"material": "wood"})
    await kettle(shop, "C", category_id="garden", brand="Mara", price=kes("16.00"), attributes={"material": "steel"})

    if held:
        await shop.settle()
    every = (await asked(shop, "", facets=True))["facets"]
    jiko = (await asked(shop, "", facets=True, brand="Jiko", **{"attributes.material": "steel"}))["facets"]

    assert {each["slug"]: each["count"] for each in every["categories"]} == {"home": 3, "kitchen": 2, "garden": 2}
    assert every["brands"] == [{"value": "Jiko", "count": 2}, {"value": "Mara", "count": 1}]
    assert every["prices"] == [
        {"min_price": kes("10.00"), "max_price": kes("19.99"), "count": 2},
        {"min_price": kes("50.00"), "max_price": kes("99.99"), "count": 1},
    ]
    assert every["attributes"] == {"material": [{"value": "steel", "count": 2}, {"value": "wood", "count": 1}]}
    assert [each["count"] for each in every["ratings"]] == [0, 0, 0, 0]
    assert {each["slug"]: each["count"] for each in jiko["categories"]} == {"home": 1, "kitchen": 1, "garden": 1}
    assert jiko["brands"] == [{"value": "Jiko", "count": 1}, {"value": "Mara", "count": 1}]
    assert jiko["attributes"] == {"material": [{"value": "steel", "count": 1}, {"value": "wood", "count": 1}]}
    assert (await asked(shop, ""))["facets"] is None
