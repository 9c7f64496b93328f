"""The providers' ledgers against ours."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from chassis.http import Moment, Money, Router, current_service, invalid, right
from chassis.service import Service
from fastapi import Depends, Query

from payment import views
from payment.api.models import DifferenceAnswer, LineAnswer, ProviderReconciliation, ReconciliationAnswer
from payment.api.reading import offered_providers
from payment.providers.port import Movement, Provider

router = Router(prefix="/api/v1", tags=["Payments"])

MARGIN = timedelta(hours=1)
"""The two sides write the same movement at slightly different times: both are read this much further."""
LONGEST = timedelta(days=31)
OPEN_FOR = timedelta(hours=1)
FIRST_DAY = datetime(2000, 1, 1, tzinfo=UTC)
"""No ledger reaches further back."""

Key = tuple[str, str, str | None, int]
"""Payment, kind, refund, and how many times before: a refund that a provider made twice is two movements there."""


@router.get(
    "/payments/reconciliation",
    operation_id="get_payment_reconciliation",
    summary="Compare the providers' ledgers with ours",
    dependencies=[Depends(right("payments:read"))],
)
async def get_payment_reconciliation(
    after: Annotated[Moment | None, Query(description="Inclusive; a day before `before` by default.")] = None,
    before: Annotated[Moment | None, Query(description="Exclusive; now by default.")] = None,
    providers: Mapping[str, Provider] = Depends(offered_providers),
    service: Service = Depends(current_service),
) -> ReconciliationAnswer:
    """Every capture, void and refund of the window, a month at most: what stands in one ledger only, or differs."""
    now = service.world.clock()
    until = before or now
    if not FIRST_DAY <= until <= now + LONGEST:
        raise invalid("/query/before", f"must be in this century, and {LONGEST.days} days from now at most")
    since = after or until - timedelta(days=1)
    if not timedelta(0) < until - since <= LONGEST:
        raise invalid("/query/after", f"must be before `before`, and {LONGEST.days} days earlier at most")
    ledgered = {method: provider for method, provider in providers.items() if hasattr(provider, "movements")}
    return ReconciliationAnswer(
        after=since,
        before=until,
        providers=[await _reconcile(service, method, each, since, until) for method, each in ledgered.items()],
        open=[row["id"] for row in await service.database.pool.fetch(views.LONG_OPEN, list(providers), now - OPEN_FOR)],
    )


async def _reconcile(
    service: Service, method: str, provider: Any, since: datetime, until: datetime
) -> ProviderReconciliation:
    theirs = [each async for each in provider.movements(since - MARGIN, until + MARGIN)]
    rows = await service.database.pool.fetch(views.MOVED, [method], since - MARGIN, until + MARGIN)
    return compared(
        provider.name, [Movement(**row) for row in rows], theirs, since, until, service.settings.shop_currency
    )


def compared(
    name: str, ours: Sequence[Movement], theirs: Sequence[Movement], since: datetime, until: datetime, currency: str
) -> ProviderReconciliation:
    """Movements are the same when payment, kind and refund are; those outside the window only serve to match.

    Both ledgers come in the order of time. What one has more often than the other, stands there only from then on.
    """
    here, there = _by_key(ours), _by_key(theirs)
    both = here.keys() & there.keys()
    return ProviderReconciliation(
        provider=name,
        matched=sum(since <= there[key].at < until for key in both if here[key].amount == there[key].amount),
        only_here=[_line(each, currency) for key, each in here.items() if key not in both and since <= each.at < until],
        only_at_provider=[
            _line(each, currency) for key, each in there.items() if key not in both and since <= each.at < until
        ],
        different=[
            DifferenceAnswer(
                payment_id=key[0],
                kind=here[key].kind,
                refund_id=key[2],
                here=Money.of(here[key].amount, currency),
                at_provider=Money.of(there[key].amount, currency),
            )
            for key in both
            if here[key].amount != there[key].amount
        ],
    )


def _by_key(movements: Sequence[Movement]) -> dict[Key, Movement]:
    times, found = Counter[tuple[str, str, str | None]](), dict[Key, Movement]()
    for each in movements:
        what = each.payment_id, each.kind, each.refund_id
        found[(*what, times[what])] = each
        times[what] += 1
    return found


def _line(movement: Movement, currency: str) -> LineAnswer:
    return LineAnswer(
        payment_id=movement.payment_id,
        kind=movement.kind,
        refund_id=movement.refund_id,
        amount=Money.of(movement.amount, currency),
        at=movement.at,
    )
