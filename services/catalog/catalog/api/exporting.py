"""What the catalog keeps about a customer, as they are shown it: what they said, and what they bought."""

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from chassis.exporting import Told

from catalog.api.answers import ReviewAnswer
from catalog.tables import purchases, reviews, variants


def _reviews(user_id: str) -> sa.Select[Any]:
    theirs = sa.select(reviews).where(reviews.c.customer_id == user_id)
    return theirs.order_by(reviews.c.created_at.desc(), reviews.c.id.desc())


def _review(row: Mapping[str, Any]) -> Any:
    return ReviewAnswer.model_validate(dict(row))


def _purchases(user_id: str) -> sa.Select[Any]:
    """By variant, and its SKU as far as it still exists."""
    known = purchases.outerjoin(variants, variants.c.id == purchases.c.variant_id)
    theirs = sa.select(purchases.c.variant_id, variants.c.sku).select_from(known)
    return theirs.where(purchases.c.customer_id == user_id).order_by(purchases.c.variant_id.desc())


LISTS: Final = {"reviews": Told(_reviews, _review), "purchases": Told(_purchases)}
