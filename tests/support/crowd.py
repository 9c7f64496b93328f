"""Shoppers who come again and again, and ask with the same key until they have an answer."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from chassis.world import new_id
from killing import ANSWERED, Shopper, id_of, order_by_card

SHOPPERS = 12
TOKENS = ["tok_success"] * 12 + ["tok_declined"] * 2 + ["tok_duplicate", "tok_slow"]
PATIENCE = 300
"""Seconds after which nobody asks again: the shop has lost them."""
LOOKS_AROUND = 0.2, 0.8


@dataclass
class Crowd:
    """``SHOPPERS`` at once, each a new guest with every order, one unit an order."""

    session: aiohttp.ClientSession
    url: str
    skus: list[str]
    orders: list[str] = field(default_factory=list)
    """The order that each key got, in the order of the answers."""
    answered: list[float] = field(default_factory=list)
    """When; by the monotonic clock."""
    put_off: Counter[str] = field(default_factory=Counter)
    """Why they had to ask again."""
    _shoppers: list[asyncio.Task[None]] = field(default_factory=list)
    _leaving: bool = False

    def come(self) -> None:
        """Begin."""
        self._shoppers = [asyncio.create_task(self._shop()) for _ in range(SHOPPERS)]

    async def leave(self) -> None:
        """Let each finish what it has begun. Raises what any of them ran into."""
        self._leaving = True
        await asyncio.gather(*self._shoppers)

    def drop(self) -> None:
        """Go at once."""
        for shopper in self._shoppers:
            shopper.cancel()

    def check(self) -> None:
        """Raise what any of them ran into so far."""
        for shopper in self._shoppers:
            if shopper.done():
                shopper.result()

    def rate(self, seconds: float) -> float:
        """Orders a second, over the last ``seconds``."""
        since = time.monotonic() - seconds
        return sum(at > since for at in self.answered) / seconds

    async def _shop(self) -> None:
        while not self._leaving:
            guest = Shopper(self.session, self.url)
            guest.put_off = self.put_off
            await self._buy(guest, random.choice(TOKENS))
            await asyncio.sleep(random.uniform(*LOOKS_AROUND))

    async def _buy(self, guest: Shopper, token: str) -> None:
        status, body = await self._ask(guest, "/cart/items", {"sku": random.choice(self.skus), "quantity": 1})
        assert status in (200, 201), body
        key, order = new_id(), order_by_card(token)
        status, body = await self._ask(guest, "/orders", order, key)
        assert status in ANSWERED, body
        bought = id_of(body)
        self.orders.append(bought)
        self.answered.append(time.monotonic())
        status, body = await self._ask(guest, "/orders", order, key)
        assert (status in ANSWERED, id_of(body)) == (True, bought), body
        if status == 402:
            status, body = await self._ask(guest, f"/orders/{bought}/pay", {"method": "card", "token": "tok_success"})
            assert status in ANSWERED, body
        elif random.random() < 0.1:
            status, body = await self._ask(guest, f"/orders/{bought}/cancel", {})
            assert status in ANSWERED, body

    async def _ask(self, guest: Shopper, path: str, body: Any, key: str = "") -> tuple[int, Any]:
        answer: tuple[int, Any] = await guest.call("POST", path, body, key=key, within=PATIENCE)
        return answer
