"""Coupons as they are read: by staff, and for a cart that would have one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import sqlalchemy as sa
from chassis.decider import Refused
from chassis.rows import Meta, Put
from chassis.service import Service

from cart.domain import Line, coupon_id_of, customer
from cart.domain.coupons import Coupon, Terms, fits, left
from cart.domain.redemptions import Redemption
from cart.showing import Shown
from cart.tables import coupons, redemptions

TERMS = tuple(field.name for field in fields(Terms))


def coupon_view(event: Any, coupon: Coupon, meta: Meta) -> Iterable[Put]:
    """One row a coupon."""
    row = {
        "coupon_id": coupon.coupon_id,
        "code": coupon.code,
        **{name: getattr(coupon.terms, name) for name in TERMS},
        "used": coupon.used,
        "withdrawn": coupon.withdrawn,
        "version": meta.version,
        "changes": coupon.changes,
        "updated_at": meta.recorded_at,
    }
    yield Put(coupons, {**row, "created_at": meta.recorded_at} if meta.version == 1 else row)


def redemption_view(event: Any, state: Redemption, meta: Meta) -> Iterable[Put]:
    """One row an order that asked for a coupon."""
    row = {
        "order_id": state.order_id,
        "coupon_id": state.coupon_id,
        "customer_id": state.customer_id,
        "code": state.code,
        "status": state.status,
        "reason": state.reason,
        "updated_at": meta.recorded_at,
    }
    yield Put(redemptions, row)


def coupon_in(row: Mapping[str, Any]) -> Coupon:
    """Back from its row."""
    lists = {"category_ids": tuple(row["category_ids"]), "product_ids": tuple(row["product_ids"])}
    terms = Terms(**{**{name: row[name] for name in TERMS}, **lists})
    return Coupon(row["coupon_id"], row["code"], terms, row["used"], row["changes"], row["withdrawn"])


@dataclass(frozen=True, slots=True)
class Known:
    """A coupon beside a cart. ``covered``: the ids of the cart's variants that it is for; None: of all there are."""

    coupon: Coupon
    customer_id: str | None
    used_by_customer: int
    covered: frozenset[str] | None = None

    def covers(self, line: Line) -> bool:
        """The coupon is for this line."""
        return self.covered is None or line.variant_id in self.covered

    def objection(self, lines: Sequence[Shown], service: Service) -> Refused | None:
        """Why an order of these lines cannot have it now; None when it can, as far as is known."""
        subtotal, any_ = sum(line.total for line in lines), any(self.covers(each.line) for each in lines)
        return left(self.coupon, self.customer_id, self.used_by_customer) or fits(
            self.coupon, subtotal, any_, service.world.clock()
        )


COUPON = """
select coupons.*, (select count(*) from redemptions
                   where redemptions.coupon_id = $1 and redemptions.customer_id = $2 and status = 'redeemed') as mine
from coupons where coupon_id = $1
"""  # $1 the coupon, $2 the customer or null
COVERED = """
with recursive below as (
    select unnest($2::text[]) as category_id
    union select categories.category_id from categories join below on categories.parent_id = below.category_id
)
select variant_id from variants left join products using (product_id)
where variant_id = any($1::text[])
  and (product_id = any($3::text[]) or category_ids && array(select category_id from below))
"""  # $1 the cart's variants, $2 the coupon's categories, $3 its products: those of the variants that it is for


async def known(service: Service, code: str, owner: str, lines: Iterable[Line]) -> Known:
    """The coupon with this code beside the cart of ``owner`` with these lines."""
    customer_id = customer(owner)
    row = await service.database.pool.fetchrow(COUPON, coupon_id_of(code), customer_id)
    if row is None:
        return Known(Coupon(coupon_id_of(code)), customer_id, 0, frozenset())
    coupon = coupon_in(row)
    if not coupon.terms.scoped:
        return Known(coupon, customer_id, row["mine"])
    ids = [line.variant_id for line in lines]
    wanted = (ids, list(coupon.terms.category_ids), list(coupon.terms.product_ids))
    covered = await service.database.pool.fetch(COVERED, *wanted)
    return Known(coupon, customer_id, row["mine"], frozenset(row["variant_id"] for row in covered))


async def listed(
    service: Service, wanted: Sequence[Any], sorting: Sequence[Any], limit: int, offset: int
) -> tuple[list[Any], int]:
    """Coupons that were not withdrawn, and how many there are."""
    conditions = (~coupons.c.withdrawn, *wanted)
    query = sa.select(coupons).where(*conditions).order_by(*sorting).limit(limit).offset(offset)
    async with service.database.engine.connect() as sql:
        rows = (await sql.execute(query)).mappings().all()
        total = await sql.scalar(sa.select(sa.func.count()).select_from(coupons).where(*conditions))
    return list(rows), total or 0


async def one(service: Service, id_: str) -> Any | None:
    """The coupon with this id or code, unless it was withdrawn."""
    sql = "select * from coupons where coupon_id = any($1::text[]) and not withdrawn"
    return await service.database.pool.fetchrow(sql, [id_.lower(), coupon_id_of(id_.upper())])
