"""From what staff sent to the product it asks for."""

from dataclasses import replace

from chassis.http import invalid
from chassis.http.problems import pointer
from chassis.service import Service
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog.api.asking import currency_of
from catalog.api.bodies import ProductBody, ProductNew, ProductPatch, VariantNew
from catalog.api.variants import new_variant
from catalog.domain import Product, wrong_options
from catalog.writing import category_ids


def new_product(service: Service, body: ProductNew) -> Product:
    """The product with its variants and fresh ids; its slug and categories are found when it is inserted."""
    if body.variants is None:
        if body.sku is None:
            raise invalid("/sku", "is required where there are no variants")
        lines = [VariantNew(sku=body.sku, options=body.options, initial_stock=body.initial_stock)]
    else:
        for name in ("sku", "options", "initial_stock"):
            if name in body.model_fields_set:
                raise invalid(f"/{name}", "must not be sent with variants: it stands in each of them")
        lines = body.variants
    if wrong := wrong_options([line.options for line in lines]):
        raise invalid(pointer("variants", wrong[0], "options"), wrong[1])
    return Product(
        id=service.world.ids(),
        slug="",
        name=body.name,
        price=body.price.minor(currency_of(service), "/price"),
        category_ids=(),
        variants=tuple(new_variant(service, line, pointer("variants", at)) for at, line in enumerate(lines)),
        description=body.description,
        brand=body.brand,
        status=body.status,
        featured=body.featured,
        attributes=body.attributes,
    )


async def in_categories(sql: AsyncConnection, product: Product, body: ProductBody | ProductPatch) -> Product:
    """The product in the categories that ``body`` names; a patch that names none leaves it where it is."""
    if body.category_id is not None and body.category_ids is not None:
        raise invalid("/category_id", "must not be sent with category_ids")
    if body.category_id is not None:
        return replace(product, category_ids=await category_ids(sql, [body.category_id], ["/category_id"]))
    if body.category_ids is None and isinstance(body, ProductPatch):
        return product
    keys = body.category_ids or []
    pointers = [pointer("category_ids", at) for at in range(len(keys))]
    return replace(product, category_ids=await category_ids(sql, keys, pointers))


def changed(product: Product, body: ProductBody | ProductPatch, currency: str) -> Product:
    """The product with the fields of ``body``, but for its categories."""
    given = body.given() if isinstance(body, ProductPatch) else {name: getattr(body, name) for name in FIELDS}
    if body.price is not None:
        given["price"] = body.price.minor(currency, "/price")
    return replace(product, **{name: value for name, value in given.items() if name in FIELDS})


FIELDS = ("name", "description", "brand", "price", "status", "featured", "attributes")
