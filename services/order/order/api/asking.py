"""One request about orders: who asks, what serves it, and what they may see."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from chassis.context import Context
from chassis.http import (
    FORBIDDEN,
    NOT_FOUND,
    Access,
    Caller,
    Peer,
    Problem,
    current_service,
    etag,
    known,
    replayed,
    request_context,
)
from chassis.http.auth import PeerAccess
from chassis.once import Once
from chassis.sealing import Sealing
from chassis.service import Service
from fastapi import Depends, Request, Response

from order import queries
from order.api.answers import OrderAnswer, order_answer
from order.api.models import PaymentChoice
from order.api.refusals import COUPON_REJECTED, OUT_OF_STOCK, PAYMENT_FAILED
from order.commands import Command
from order.domain import order
from order.methods import PaymentMethods
from order.numbers import STARTS, Numbers
from order.settings import Settings
from order.values import Chosen

EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Asking:
    """A request by somebody who may own orders: a customer, a guest with a cart token, or staff."""

    request: Request
    response: Response
    caller: Caller
    service: Service
    context: Context

    @property
    def settings(self) -> Settings:
        """The order's."""
        assert isinstance(self.service.settings, Settings)
        return self.service.settings

    @property
    def owners(self) -> tuple[str, ...]:
        """The owner keys that the caller holds. 401 where there are none and no client's token either."""
        first = self.caller.key
        second = self.caller.cart_key
        return (first, second) if second and second != first else (first,)

    def owns(self, row: Any) -> bool:
        """Whether the order is the caller's own."""
        return row["owner"] in self.owners

    def personal(self, row: Any) -> bool:
        """Whether the caller may see the order's address and contact."""
        return self.owns(row) or self.caller.may("orders:personal")

    async def row(self, id_: str) -> Any:
        """The order called so, by id or number, whoever it belongs to."""
        query = queries.BY_NUMBER if id_.startswith(STARTS) else queries.BY_ID
        row = await self.service.database.pool.fetchrow(query, id_)
        if row is None:
            raise _unknown(id_)
        return row

    async def seen(self, id_: str, right: str = "orders:read") -> Any:
        """The order, if it is the caller's own or they have the right; else there is none, as far as they can tell."""
        owners = self.owners
        row = await self.row(id_)
        if row["owner"] not in owners and not self.caller.may(right):
            raise _unknown(id_)
        return row

    async def owned(self, id_: str) -> Any:
        """The order, for what only its owner may do."""
        row = await self.seen(id_)
        if not self.owns(row):
            raise Problem(FORBIDDEN, "Only its owner may do this.")
        return row

    async def done_before(self, once: Once | None) -> str | None:
        """The resource that this idempotency key made, if it did; the answer then says that it is a replay."""
        made = await self.service.recall(once)
        if made is not None:
            replayed(self.response)
        return made

    async def tell(
        self, order_id: str, command: Command, once: Once | None = None, sealing: Sealing | None = None
    ) -> None:
        """Give the order a command. A key that was there first changes nothing and makes the answer a replay."""
        key = once and once.for_(order_id)
        done = await self.service.execute(order, order_id, command, self.context, key, sealing=sealing)
        if done.replayed:
            replayed(self.response)

    async def settle(self, order_id: str, seconds: float, *, new: bool = False) -> Any:
        """The order's row, once it has settled or after so many seconds."""
        if seconds > 0:
            assert self.service.waiters is not None
            await self.service.waiters.settled(order_id, seconds, new=new)
        return await self.row(order_id)

    async def show(self, row: Any) -> OrderAnswer:
        """The order as this caller may see it, with what its payer has to do."""
        self.response.headers.update({"ETag": etag(row["version"]), "Cache-Control": "no-cache"})
        return order_answer(row, personal=self.personal(row), next_action=await self._next_action(row))

    async def _next_action(self, row: Any) -> Any:
        """Asked of payment each time, for the owner alone: it is never kept. None while payment cannot be reached."""
        if row["payment_status"] != "requires_action" or not self.owns(row):
            return None
        payment_id = order_answer(row, personal=False).payment
        assert payment_id is not None
        try:
            path = f"/internal/v1/payments/{payment_id.id}/next-action"
            answer = await self.service.world.peers.get("payment", path, caller=self.caller, context=self.context)
        except Problem:
            return None
        return answer.json()["next_action"] if answer.ok else None

    async def refuse_failed(self, row: Any) -> None:
        """409 for an order cancelled for its stock or coupon, 402 for one whose last attempt to be paid failed."""
        if row["reason"] == "out_of_stock":
            shown = await self.show(row)
            shortages = [each.model_dump() for each in shown.shortages]
            raise Problem(OUT_OF_STOCK, headers=self._replay, order=shown, shortages=shortages)
        if row["reason"] == "coupon_rejected":
            raise Problem(COUPON_REJECTED, headers=self._replay, order=await self.show(row))
        if row["payment_failed"]:
            raise Problem(PAYMENT_FAILED, headers=self._replay, order=await self.show(row))

    @property
    def _replay(self) -> dict[str, str]:
        """What a problem has to take over from the answer it stands for."""
        return {name: value for name, value in self.response.headers.items() if name == "idempotency-replayed"}

    async def chosen(
        self,
        choice: PaymentChoice | None,
        pointer: str,
        also: Mapping[str, Any] = EMPTY,
        fresh: Collection[str] = (),
    ) -> tuple[Chosen | None, Sealing]:
        """How the customer wants to pay, checked, its secrets sealed under the new payment's own id.

        Seals each value of ``also`` under its subject in the same go; ``fresh`` subjects most likely have no key yet.
        """
        secrets = {} if choice is None else {"token": choice.token, "phone": choice.phone}
        payment_id = self.service.world.ids()
        if choice is not None:
            methods: PaymentMethods = self.request.app.state.methods
            await methods.check(choice.method, secrets, pointer)
        held = {payment_id: secrets} if any(secrets.values()) else {}
        sealing = await self.service.seal_each({**also, **held}, fresh=(payment_id, *fresh))
        if choice is None:
            return None, sealing
        mine = sealing.values.get(payment_id)
        return Chosen(
            payment_id=payment_id,
            method=choice.method,
            token=mine.pick("token") if mine and choice.token is not None else None,
            phone=mine.pick("phone") if mine and choice.phone is not None else None,
        ), sealing

    async def next_number(self) -> str:
        """For an order that is about to be placed."""
        numbers: Numbers = self.request.app.state.numbers
        return await numbers.next(self.service)


def _unknown(id_: str) -> Problem:
    return Problem(NOT_FOUND, f"There is no order {id_}.")


def asking(access: Access | PeerAccess = known) -> Callable[..., Awaitable[Asking]]:
    """``ask: Asking = Depends(asking())``, or with a right: the route's one access, and what serves the request."""

    async def made(
        request: Request,
        response: Response,
        who: Caller | Peer = Depends(access),
        service: Service = Depends(current_service),
        context: Context = Depends(request_context),
    ) -> Asking:
        caller = who.caller or Caller() if isinstance(who, Peer) else who
        return Asking(request, response, caller, service, context)

    return made
