"""Why an order is where it is: what it waits for, what holds it, and its story through all services."""

import re
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from chassis.http import Problem, Router, problems, right
from chassis.http.problems import NOT_FOUND, UNAVAILABLE, UPSTREAM_TIMEOUT
from fastapi import Depends, Path

from gateway.operators.asking import Asking, asking, segment
from gateway.operators.explaining import Explanation, explained

router = Router(prefix="/api/v1/ops", tags=["Operators"])

ORDER: Final = "order"
UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@router.get(
    "/orders/{order_id}/explain",
    operation_id="explain_order",
    summary="Why an order is where it is",
    responses=problems(NOT_FOUND, UNAVAILABLE, UPSTREAM_TIMEOUT),
)
async def explain_order(
    order_id: Annotated[str, Path(max_length=64, description="The order's id or number.", examples=["SO-1017"])],
    ask: Asking = Depends(asking(right("ops:read"))),
) -> Explanation:
    """`says` is the answer in words; the rest is what it was made of. Nothing personal is in it.

    A service that is away is named in `missing`. Only where the order service is, a number cannot be looked up (503).
    """
    standing = await _standing(ask, order_id)
    id_ = standing["id"] if standing else order_id
    followed = [("correlationid", each) for each in standing["correlationids"]] if standing else []
    answers, missing = await ask.all(f"/ops/stories/{segment(id_)}?{urlencode(followed)}")
    stories = {service: answer["items"] for service, answer in answers.items()}
    return explained(id_, standing, stories, missing)


async def _standing(ask: Asking, order_id: str) -> dict[str, Any] | None:
    """Where the order stands; None while the order service is away and the id says enough to ask the others."""
    try:
        found: dict[str, Any] = (await ask.one("GET", ORDER, f"/orders/{segment(order_id)}/standing")).json()
    except Problem as problem:
        if problem.kind.status < 500 or not UUID.fullmatch(order_id):
            raise
        return None
    return found
