"""What the other services ask."""

from datetime import datetime
from typing import Annotated

from chassis.http import Answer, Router, current_service, service_only
from chassis.service import Service
from fastapi import Depends, Query

from catalog.api.asking import currency_of
from catalog.api.bodies import Sku
from catalog.domain import Status, sale_price
from catalog.views import products_by_skus

router = Router(prefix="/internal/v1", tags=["Internal"], include_in_schema=False)


class SaleOfVariant(Answer):
    """A period in which it costs ``price``; none overlap."""

    price: int
    percent: int
    starts_at: datetime
    ends_at: datetime


class SoldVariant(Answer):
    """A SKU as it is sold now; ``price`` in minor units, without its ``sales``, running and to come.

    ``initial_stock``: to be received once.
    """

    variant_id: str
    product_id: str
    sku: str
    name: str
    options: dict[str, str]
    price: int
    currency: str
    active: bool
    sales: list[SaleOfVariant]
    initial_stock: int | None


class SoldVariants(Answer):
    """What is known of the SKUs asked for, and which are not."""

    items: list[SoldVariant]
    missing: list[str]


@router.get(
    "/variants",
    operation_id="internal_variants",
    summary="SKUs as they are sold now",
    response_model=SoldVariants,
    dependencies=[Depends(service_only)],
)
async def internal_variants(
    sku: Annotated[list[Sku], Query(min_length=1, max_length=200)],
    service: Service = Depends(current_service),
) -> SoldVariants:
    wanted = dict.fromkeys(sku)
    async with service.database.engine.connect() as sql:
        found = await products_by_skus(sql, list(wanted))
    items = {
        variant.sku: SoldVariant(
            variant_id=variant.id,
            product_id=shown.product.id,
            sku=variant.sku,
            name=shown.product.name,
            options=dict(variant.options),
            price=shown.product.price_of(variant),
            currency=currency_of(service),
            active=variant.active and shown.product.status is Status.active,
            sales=[
                SaleOfVariant(
                    price=sale_price(shown.product.price_of(variant), each.percent),
                    percent=each.percent,
                    starts_at=each.starts_at,
                    ends_at=each.ends_at,
                )
                for each in shown.product.sales
            ],
            initial_stock=variant.initial_stock,
        )
        for shown in found
        for variant in shown.product.variants
        if variant.sku in wanted
    }
    return SoldVariants(
        items=[items[each] for each in wanted if each in items],
        missing=[each for each in wanted if each not in items],
    )
