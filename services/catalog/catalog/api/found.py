"""What a list, a search and a suggestion answer."""

from datetime import datetime

from chassis.http import Answer, Listing, Money, Paging
from fastapi import Request

from catalog.api.answers import ProductAnswer, product_answer
from catalog.api.examples import PLACE, PRODUCT, example, money
from catalog.facets import Facets
from catalog.listing import Found
from catalog.suggesting import Suggested


class Highlights(Answer):
    """HTML in which ``<mark>`` alone is markup: the name, and the parts of the description around the words."""

    name: str
    description: str


class FoundProduct(ProductAnswer):
    """A product in a list; ``highlights`` of a search."""

    model_config = example({**PRODUCT, "highlights": {"name": "<mark>Kettle</mark>", "description": "Boils a litre …"}})

    highlights: Highlights | None = None


class CategoryFacet(Answer):
    """Products in this category and all below."""

    id: str
    slug: str
    name: str
    parent_id: str | None
    count: int


class ValueFacet(Answer):
    """Products with this value."""

    value: str
    count: int


class PriceFacet(Answer):
    """Products that cost this much now, both amounts included: as `min_price` and `max_price` take them."""

    min_price: Money
    max_price: Money
    count: int


class RatingFacet(Answer):
    """Products rated so well or better."""

    min_rating: int
    count: int


class FacetsAnswer(Answer):
    """Each is counted with the other filters applied; the most frequent values come first, 100 at most."""

    model_config = example(
        {
            "categories": [{**PLACE, "parent_id": None, "count": 24}],
            "brands": [{"value": "Jiko", "count": 7}],
            "prices": [{"min_price": money("2000.00"), "max_price": money("4999.99"), "count": 11}],
            "ratings": [{"min_rating": 4, "count": 9}],
            "attributes": {"material": [{"value": "steel", "count": 5}]},
        }
    )

    categories: list[CategoryFacet]
    brands: list[ValueFacet]
    prices: list[PriceFacet]
    ratings: list[RatingFacet]
    attributes: dict[str, list[ValueFacet]]


class ProductListing(Listing[FoundProduct]):
    """One page. ``corrected``: the words that were searched for instead; ``facets`` where they were asked for."""

    corrected: str | None = None
    facets: FacetsAnswer | None = None


class Suggestion(Answer):
    """Where it leads."""

    id: str
    slug: str
    name: str


class Suggestions(Answer):
    """Each by name. ``corrected``: the words that were looked for instead, because those typed led to nothing."""

    model_config = example(
        {
            "products": [{name: PRODUCT[name] for name in ("id", "slug", "name")}],
            "categories": [PLACE],
            "brands": ["Kettle & Co"],
            "corrected": None,
        }
    )

    products: list[Suggestion]
    categories: list[Suggestion]
    brands: list[str]
    corrected: str | None


def listing_answer(
    request: Request,
    page: Paging,
    found: Found,
    counts: Facets | None,
    corrected: str | None,
    currency: str,
    now: datetime,
    *,
    staff: bool,
) -> ProductListing:
    """One page as it goes out."""
    items = list[FoundProduct]()
    for shown in found.products:
        product, mark = product_answer(shown, currency, now, all_variants=staff), found.marks.get(shown.product.id)
        highlights = Highlights(name=mark.name, description=mark.description) if mark else None
        items.append(FoundProduct.model_construct(**product.__dict__, highlights=highlights))
    plain = page.answer(items, found.total, request, last=found.last)
    return ProductListing.model_construct(
        **plain.__dict__, corrected=corrected, facets=facets_answer(counts, currency) if counts else None
    )


def facets_answer(counts: Facets, currency: str) -> FacetsAnswer:
    """Facets as they go out."""
    return FacetsAnswer(
        categories=[
            CategoryFacet(id=each.id, slug=each.slug, name=each.name, parent_id=each.parent_id, count=each.found)
            for each in counts.categories
        ],
        brands=[ValueFacet(value=value, count=count) for value, count in counts.brands],
        prices=[
            PriceFacet(min_price=Money.of(least, currency), max_price=Money.of(most, currency), count=count)
            for (least, most), count in counts.prices
        ],
        ratings=[RatingFacet(min_rating=stars, count=count) for stars, count in counts.ratings],
        attributes={
            name: [ValueFacet(value=value, count=count) for value, count in values]
            for name, values in counts.attributes.items()
        },
    )


def suggestions_answer(found: Suggested, corrected: str | None) -> Suggestions:
    """Suggestions as they go out."""
    return Suggestions(
        products=[Suggestion(**each._asdict()) for each in found.products],
        categories=[Suggestion(**each._asdict()) for each in found.categories],
        brands=list(found.brands),
        corrected=corrected,
    )
