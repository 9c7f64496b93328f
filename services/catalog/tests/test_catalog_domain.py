from dataclasses import replace

import pytest
from catalog.domain import MOST_VARIANTS, Product, Status, Variant, choices, told, wrong_options
from chassis.decider import Refused
from soko_contracts import catalog as public

SMALL = Variant(id="v1", sku="TEE-S", options={"size": "S"})
MEDIUM = Variant(id="v2", sku="TEE-M", options={"size": "M"}, price=120000)
TEE = Product(id="p1", slug="tee", name="Tee", price=100000, category_ids=("c1",), variants=(SMALL, MEDIUM))


def test_a_new_product_is_told_whole_with_its_variants_and_initial_stock() -> None:
    stocked = replace(TEE, variants=(replace(SMALL, initial_stock=5), MEDIUM))

    (created,) = told(None, stocked, "KES")

    assert isinstance(created, public.ProductCreated)
    assert [(each.sku, each.price, each.active) for each in created.variants] == [
        ("TEE-S", 100000, True),
        ("TEE-M", 120000, True),
    ]
    assert created.initial_stock == {"TEE-S": 5}


def test_a_draft_is_told_with_variants_that_are_not_for_sale() -> None:
    (created,) = told(None, replace(TEE, status=Status.draft), "KES")

    assert created.status == "draft"
    assert not any(each.active for each in created.variants)


def test_nothing_is_told_when_nothing_changed() -> None:
    assert told(TEE, replace(TEE, name="Tee"), "KES") == []


def test_a_new_price_of_the_product_is_a_new_price_of_the_variants_that_have_none_of_their_own() -> None:
    updated, changed = told(TEE, replace(TEE, price=90000), "KES")

    assert isinstance(updated, public.ProductUpdated)
    assert isinstance(changed, public.PriceChanged)
    assert (changed.sku, changed.old_price, changed.price) == ("TEE-S", 100000, 90000)


def test_a_variants_new_price_is_told_alone() -> None:
    (changed,) = told(TEE, TEE.with_variant(replace(MEDIUM, price=110000)), "KES")

    assert isinstance(changed, public.PriceChanged)
    assert (changed.variant_id, changed.old_price, changed.price) == ("v2", 120000, 110000)


def test_a_variant_that_takes_the_products_price_changes_its_price() -> None:
    (changed,) = told(TEE, TEE.with_variant(replace(MEDIUM, price=None)), "KES")

    assert (changed.old_price, changed.price) == (120000, 100000)


def test_a_variant_changed_in_both_is_told_twice_in_order() -> None:
    updated, changed = told(TEE, TEE.with_variant(replace(MEDIUM, sku="TEE-MM", price=1)), "KES")

    assert isinstance(updated, public.VariantUpdated)
    assert isinstance(changed, public.PriceChanged)
    assert updated.sku == changed.sku == "TEE-MM"


def test_variants_come_and_go_by_their_own_events() -> None:
    large = Variant(id="v3", sku="TEE-L", options={"size": "L"}, initial_stock=3)

    (created,) = told(TEE, TEE.with_variant(large), "KES")
    (removed,) = told(TEE, TEE.without_variant("v2"), "KES")

    assert isinstance(created, public.VariantCreated)
    assert (created.sku, created.initial_stock) == ("TEE-L", 3)
    assert isinstance(removed, public.VariantRemoved)
    assert (removed.sku, removed.active) == ("TEE-M", False)


def test_archiving_is_told_as_such_and_takes_the_variants_off_sale() -> None:
    (archived,) = told(TEE, replace(TEE, status=Status.archived), "KES")

    assert isinstance(archived, public.ProductArchived)
    assert not any(each.active for each in archived.variants)


def test_an_archived_product_that_comes_back_is_updated() -> None:
    archived = replace(TEE, status=Status.archived)

    (updated,) = told(archived, TEE, "KES")

    assert isinstance(updated, public.ProductUpdated)
    assert all(each.active for each in updated.variants)


def test_the_last_variant_stays() -> None:
    with pytest.raises(Refused, match="at least one variant") as refused:
        TEE.without_variant("v2").without_variant("v1")
    assert refused.value.slug == "last-variant"


def test_a_product_has_so_many_variants_and_no_more() -> None:
    full = replace(TEE, variants=tuple(Variant(id=f"v{n}", sku=f"S{n}") for n in range(MOST_VARIANTS)))

    with pytest.raises(Refused) as refused:
        full.with_variant(Variant(id="more", sku="MORE"))
    assert refused.value.slug == "too-many-variants"
    assert full.with_variant(replace(SMALL, id="v0", sku="X")).variant("v0").sku == "X"


@pytest.mark.parametrize(
    ("variants", "wrong"),
    [
        ([{}], None),
        ([{"size": "S"}], None),
        ([{"size": "S"}, {"size": "M"}], None),
        ([{"size": "S", "colour": "red"}, {"colour": "blue", "size": "S"}], None),
        ([{}, {}], 1),
        ([{}, {"size": "M"}], 1),
        ([{"size": "S"}, {"size": "M"}, {"size": "S"}], 2),
        ([{"size": "S"}, {"size": "M", "colour": "red"}], 1),
    ],
)
def test_variants_are_told_apart_by_the_same_options(variants: list[dict[str, str]], wrong: int | None) -> None:
    found = wrong_options(variants)

    assert (found and found[0]) == wrong


def test_choices_are_the_options_with_their_values_in_order() -> None:
    blue = Variant(id="v3", sku="TEE-SB", options={"size": "S", "colour": "blue"})

    assert choices((SMALL, MEDIUM, blue)) == {"size": ["S", "M"], "colour": ["blue"]}
