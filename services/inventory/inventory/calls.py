"""Asking the catalog about SKUs that nobody here has heard of."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlencode

from chassis.calls import Asked, Calls
from chassis.context import Context
from chassis.http.problems import unavailable
from chassis.outcome import Do, Outcome
from chassis.service import Service

from inventory.domain.holding import holding
from inventory.domain.listing import ListSkus, listing
from inventory.domain.reservation import ASK_CATALOG
from inventory.domain.reservation_events import Reserve, lines_of
from inventory.domain.stock_commands import ListSku
from inventory.settings import Settings

calls = Calls()


async def known_to_the_catalog(service: Service, skus: Sequence[str], context: Context) -> ListSkus:
    """Those of ``skus`` that the catalog sells, with their initial stock. Raises Problem when it cannot say."""
    assert isinstance(service.settings, Settings)
    query = urlencode([("sku", sku) for sku in skus])
    answer = await service.world.peers.get("catalog", f"/internal/v1/variants?{query}", context=context)
    if not answer.ok:
        raise unavailable("catalog")
    threshold = service.settings.low_stock_threshold
    return ListSkus(
        tuple(ListSku(item["sku"], threshold, item["initial_stock"] or 0) for item in answer.json()["items"])
    )


def reserve_again(asked: Asked) -> Do:
    """The reserve that waited for the answer; it waits no more."""
    request = asked.request
    reserve = Reserve(
        request["order_id"],
        lines_of((sku, quantity) for sku, quantity in request["lines"]),
        datetime.fromisoformat(request["expires_at"]),
        request["ask_every"],
        asked=True,
    )
    return Do.many(holding, reserve)


def unanswered(asked: Asked) -> Iterable[Outcome]:
    """The order has long given up waiting; what nobody knows is not for sale."""
    return [reserve_again(asked)]


@calls.to(ASK_CATALOG, lease=timedelta(seconds=10), gave_up=unanswered)
async def ask_the_catalog(asked: Asked, service: Service) -> Iterable[Outcome]:
    """List what the catalog knows, then reserve with what there is."""
    found = await known_to_the_catalog(service, asked.request["unknown"], asked.context)
    return [Do.many(listing, found), reserve_again(asked)]
