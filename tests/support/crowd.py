"""Shoppers who come again and again, and ask with the same key until they have an answer."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from chassis.world import new_id
from killing import ANSWERED, Shopper, id_of, login, order_by_card
from soko.seeding import demo_password

GUESTS, CUSTOMERS = 9, 3
TOKENS = ["tok_success"] * 12 + ["tok_declined"] * 2 + ["tok_duplicate", "tok_slow"]
CASH = {"method": "cash_on_delivery"}
PATIENCE = 300
"""Seconds after which nobody asks again: the shop has lost them."""
LOOKS_AROUND = 0.2, 0.8


@dataclass
class Crowd:
    """Guests and customers, each with one order after the other: paid by card or in cash, some of them cancelled."""

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

    async def come(self) -> None:
        """Begin."""
        admin = await login(self.session, self.url, "admin@soko.example")
        emails = [f"{new_id()}@soko.example" for _ in range(CUSTOMERS)]
        for email in emails:
            account = {"email": email, "password": demo_password(), "role": "customer"}
            status, body = await admin.call("POST", "/users", account)
            assert status == 201, body
        self._shoppers = [asyncio.create_task(self._shop(email)) for email in ["", *emails] + [""] * (GUESTS - 1)]

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

    async def _shop(self, email: str) -> None:
        """As the customer ``email``, who logs in each time; as a guest, sometimes a new one, without."""
        guest = Shopper(self.session, self.url, self.put_off)
        while not self._leaving:
            if email:
                shopper = await login(self.session, self.url, email, self.put_off)
            elif random.random() < 0.3:
                shopper = guest = Shopper(self.session, self.url, self.put_off)
            else:
                shopper = guest
            await self._buy(shopper)
            await asyncio.sleep(random.uniform(*LOOKS_AROUND))

    async def _buy(self, shopper: Shopper) -> None:
        status, body = await self._ask(shopper, "/cart/items", {"sku": random.choice(self.skus), "quantity": 1})
        assert status in (200, 201), body
        key, order = new_id(), order_by_card(random.choice(TOKENS))
        if random.random() < 0.1:
            order["payment"] = CASH
        if "Authorization" in shopper.headers:
            del order["email"]
        status, body = await self._ask(shopper, "/orders", order, key)
        assert status in ANSWERED, body
        bought = id_of(body)
        self.orders.append(bought)
        self.answered.append(time.monotonic())
        status, body = await self._ask(shopper, "/orders", order, key)
        assert (status in ANSWERED, id_of(body)) == (True, bought), body
        read, order = await shopper.call("GET", f"/orders/{bought}", within=PATIENCE)
        assert (read, order.get("id")) == (200, bought), order
        if status == 402:
            status, body = await self._ask(shopper, f"/orders/{bought}/pay", order_by_card("tok_success")["payment"])
            assert status in ANSWERED, body
        elif random.random() < 0.1:
            status, body = await self._ask(shopper, f"/orders/{bought}/cancel", {})
            assert status in ANSWERED, body

    async def _ask(self, shopper: Shopper, path: str, body: Any, key: str = "") -> tuple[int, Any]:
        answer: tuple[int, Any] = await shopper.call("POST", path, body, key=key, within=PATIENCE)
        return answer
