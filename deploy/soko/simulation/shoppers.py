"""Customers: they fill carts, buy, pay again, change their minds, and click twice."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from soko.simulation.chance import weighted
from soko.simulation.people import Action, Answer, Person

COUPONS = ("LAST", "LAST", "EACH", "SENT", "NONE")
"""Codes that people try: one of them is no coupon."""
CARDS: Mapping[str, float] = {
    "tok_success": 8,
    "tok_declined": 1.5,
    "tok_insufficient_funds": 0.5,
    "tok_timeout": 0.7,
    "tok_slow": 1.5,
    "tok_late": 0.7,
    "tok_duplicate": 1.5,
    "tok_3ds": 2,
    "tok_unsettled": 1.5,
    "tok_unheard_of": 0.3,
}
HOW: Mapping[str, float] = {"card": 8, "cash_on_delivery": 1.5, "": 1}
ADDRESS = {"name": "A. Customer", "line1": "1 Market St", "city": "Nairobi", "country": "KE", "phone": "+254700000001"}
WAITS: Mapping[int, float] = {0: 3, 2: 1, 10: 1}


@dataclass
class Shopper(Person):
    """Signed in where there is an ``email``, else a guest with a cart token."""

    cart: list[dict[str, Any]] = field(default_factory=list)
    own: list[str] = field(default_factory=list)
    """Orders this one has heard of."""
    last: tuple[str, str, dict[str, Any]] | None = None
    """The last request with a key: path, key and body, to be sent again."""
    to_approve: list[str] = field(default_factory=list)
    """Pages of the bank where the payer has not pressed anything yet."""
    expects_page: bool = False
    """A card was used whose bank asks."""

    def actions(self) -> Mapping[Action, float]:
        possible: dict[Action, float] = {self.add: 3, self.look: 0.4}
        if self.cart:
            possible |= {self.change: 0.6, self.take_out: 0.4, self.empty: 0.2}
            possible |= {self.check_out: 5, self.click_twice: 1.2, self.check_out_twice: 0.8}
            possible |= {self.use_a_coupon: 0.8, self.use_no_coupon: 0.2}
        if self.last:
            possible[self.send_again] = 1.2
        if self.own:
            possible[self.see] = 8 if self.expects_page else 1.5
            possible |= {self.pay: 1.5, self.pay_twice: 0.6, self.cancel: 1, self.cancel_twice: 0.5}
            possible[self.move] = 0.3
        if self.to_approve:
            possible[self.decide_at_the_bank] = 12
        if self.email and self.own:
            possible[self.merge] = 0.4
        return possible

    async def add(self) -> None:
        sku, quantity = self.chance.choice(self.shop.skus), self.chance.choice((1, 1, 1, 2, 3))
        key = self.shop.new_id() if self.chance.random() < 0.3 else ""
        self._cart(await self.ask("POST", "/cart/items", {"sku": sku, "quantity": quantity}, key=key))

    async def change(self) -> None:
        line = self.chance.choice(self.cart)
        self._cart(await self.ask("PATCH", f"/cart/items/{line['id']}", {"quantity": self.chance.randint(1, 3)}))

    async def take_out(self) -> None:
        self._cart(await self.ask("DELETE", f"/cart/items/{self.chance.choice(self.cart)['id']}"))

    async def empty(self) -> None:
        self._cart(await self.ask("DELETE", "/cart"))

    async def look(self) -> None:
        self._cart(await self.ask("GET", "/cart"))

    async def use_a_coupon(self) -> None:
        self._cart(await self.ask("PUT", "/cart/coupon", {"code": self.chance.choice(COUPONS)}))

    async def use_no_coupon(self) -> None:
        self._cart(await self.ask("DELETE", "/cart/coupon"))

    async def merge(self) -> None:
        self._cart(await self.ask("POST", "/cart/merge"))

    async def check_out(self) -> None:
        await self._order(self.shop.new_id(), self._checkout())

    async def click_twice(self) -> None:
        """The same request, before the first is answered."""
        key, body = self.shop.new_id(), self._checkout()
        await asyncio.gather(self._order(key, body), self._order(key, body))

    async def check_out_twice(self) -> None:
        """Two tabs: the same cart under two keys."""
        await asyncio.gather(*(self._order(self.shop.new_id(), self._checkout()) for _ in range(2)))

    async def send_again(self) -> None:
        """No answer came, or so it seemed: the same request under the same key."""
        assert self.last is not None
        path, key, body = self.last
        await self._keyed(path, key, body)

    async def pay(self) -> None:
        await self._keyed(f"/orders/{self._some()}/pay", self.shop.new_id(), self._payment() or {"method": "card"})

    async def pay_twice(self) -> None:
        path = f"/orders/{self._some()}/pay"
        keys = [self.shop.new_id() for _ in range(self.chance.choice((1, 2)))]
        body = self._payment() or {"method": "cash_on_delivery"}
        await asyncio.gather(*(self._keyed(path, key, body) for key in (keys * 2)[:2]))

    async def cancel(self) -> None:
        reason = {"reason": "I found it cheaper"} if self.chance.random() < 0.3 else None
        self._heard(await self.ask("POST", f"/orders/{self._some()}/cancel", reason, wait=self._wait()))

    async def cancel_twice(self) -> None:
        path, key = f"/orders/{self._some()}/cancel", self.shop.new_id()
        for answer in await asyncio.gather(*(self.ask("POST", path, key=key) for _ in range(2))):
            self._heard(answer)

    async def move(self) -> None:
        body = {"shipping_address": {**ADDRESS, "line1": "2 Market St"}}
        await self.ask("PATCH", f"/orders/{self._some()}", body)

    async def see(self) -> None:
        self._heard(await self.ask("GET", f"/orders/{self._some()}"))

    async def decide_at_the_bank(self) -> None:
        page = self.to_approve.pop(self.chance.randrange(len(self.to_approve)))
        await self.press(page, "approve" if self.chance.random() < 0.75 else "decline")

    async def _order(self, key: str, body: dict[str, Any]) -> None:
        await self._keyed("/orders", key, body)

    async def _keyed(self, path: str, key: str, body: dict[str, Any]) -> None:
        self.last = path, key, body
        answer = await self.ask("POST", path, body, key=key, wait=self._wait())
        if answer.status in (200, 201, 202) and path == "/orders":
            self.cart = []
        self._heard(answer)

    def _heard(self, answer: Answer) -> None:
        if (order := answer.order) is None:
            return
        if coupon := order.get("coupon"):
            self.shop.tally[f"coupon {coupon['status']}"] += 1
        if order["id"] not in self.own:
            self.own.append(order["id"])
        if order.get("next_action") and order["next_action"]["type"] == "redirect":
            page = order["next_action"]["url"]
            if page not in self.to_approve:
                self.to_approve.append(page)
                self.expects_page = False

    def _cart(self, answer: Answer) -> None:
        if answer.status in (200, 201):
            self.cart = answer.body["items"]

    def _some(self) -> str:
        """Mostly the newest of the own orders."""
        return self.own[-1] if self.chance.random() < 0.7 else self.chance.choice(self.own)

    def _wait(self) -> int:
        return weighted(self.chance, WAITS)

    def _payment(self) -> dict[str, Any] | None:
        how = weighted(self.chance, HOW)
        if how == "card":
            token = weighted(self.chance, CARDS)
            self.shop.tally[f"card {token}"] += 1
            self.expects_page = self.expects_page or token == "tok_3ds"  # noqa: S105 - the simulated gateway's
            return {"method": "card", "token": token}
        return {"method": how} if how else None

    def _checkout(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "shipping_address": ADDRESS,
            "shipping_method": self.chance.choice(("standard", "express", "pickup")),
        }
        if payment := self._payment():
            body["payment"] = payment
        if not self.email:
            body["email"] = f"{self.name}@guest.example"
        if self.chance.random() < 0.3:
            body |= {"coupon": self.chance.choice(COUPONS), "coupon_required": self.chance.random() < 0.5}
        if self.chance.random() < 0.05:
            body["expected_total"] = {"amount": "1.00", "currency": "KES"}
        return body
