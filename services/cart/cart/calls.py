"""Putting back what an order gave up.

The message names the closed cart; which cart its owner has open now only a look can tell, so the closed cart's stream
asks for one. Should the owner be faster than the look, it is made again.
"""

from collections.abc import Iterable

from chassis.calls import Asked, Calls
from chassis.outcome import Do, Outcome
from chassis.service import Service

from cart.domain import PutBackLines, put_back_lines
from cart.settings import Settings
from cart.views import last

calls = Calls()


@calls.to("put_back")
async def put_back(asked: Asked, service: Service) -> Iterable[Outcome]:
    assert isinstance(service.settings, Settings)
    return [
        Do.many(
            put_back_lines,
            PutBackLines(
                cart_id=asked.request["cart_id"],
                last=await last(service, asked.request["owner"]),
                order_id=service.world.ids(),
                limits=service.settings.limits,
            ),
        )
    ]
