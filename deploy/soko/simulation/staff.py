"""Staff: they enter stock, ship, refund, cancel, and take payments by hand."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from soko.simulation.people import Action, Answer, Person

PLACES = 3
ON_ITS_WAY = {"pending": "packed", "packed": "in_transit", "in_transit": "delivered"}


@dataclass
class Staff(Person):
    """Somebody with the preset ``staff``. ``places``: the locations that they know of, ``sent`` their transfers."""

    places: list[str] = field(default_factory=lambda: ["main"])
    sent: list[str] = field(default_factory=list)

    def actions(self) -> Mapping[Action, float]:
        possible: dict[Action, float] = {self.receive: 1.5, self.count: 0.7, self.adjust: 1, self.reconcile: 0.3}
        possible |= {self.promise: 0.7, self.send: 0.8, self.prefer: 0.2, self.take_in: 0.8}
        if len(self.places) < PLACES:
            possible[self.open_place] = 0.3
        if self.shop.orders:
            possible |= {self.refund_units: 0.5, self.retry: 0.8, self.withdraw: 0.15}
            possible |= {self.ship: 4, self.split: 0.5, self.refund: 1.2, self.refund_twice: 0.5, self.call_off: 0.5}
        if self.shop.payments:
            possible |= {self.capture: 0.3, self.void: 0.5, self.mark_paid: 0.8}
        return possible

    async def receive(self) -> None:
        cost = {"unit_cost": {"amount": f"{self.chance.randint(1, 999)}.99", "currency": "KES"}}
        known = cost if self.chance.random() < 0.6 else {}
        await self._entry("receipts", {"quantity": self.chance.randint(1, 4), **known})

    async def count(self) -> None:
        await self._entry("counts", {"quantity": self.chance.randint(0, 6)})

    async def adjust(self) -> None:
        delta, reason = self.chance.choice(((-1, "damaged"), (-1, "adjusted"), (1, "returned"), (2, "found some")))
        await self._entry("adjustments", {"delta": delta, "reason": reason})

    async def promise(self) -> None:
        """Let a SKU be ordered before it comes, or no longer."""
        body = {"backorder_limit": self.chance.choice((0, 2, 4))}
        await self.ask("PATCH", f"/inventory/{self.chance.choice(self.shop.skus)}", body)

    async def open_place(self) -> None:
        body = {"name": f"Place {len(self.places)}", "priority": self.chance.randint(0, 2)}
        found = await self.ask("POST", "/inventory/locations", body, key=self.shop.new_id())
        if found.status == 201:
            self.places.append(found.body["id"])

    async def prefer(self) -> None:
        place, body = self.chance.choice(self.places), {"priority": self.chance.randint(0, 2)}
        await self.ask("PATCH", f"/inventory/locations/{place}", body)

    async def send(self) -> None:
        """Send units to another location, sometimes by asking twice."""
        body = {"sku": self.chance.choice(self.shop.skus), "quantity": self.chance.randint(1, 3)}
        body |= {"origin": self.chance.choice(self.places), "destination": self.chance.choice(self.places)}
        for found in await self._asked("/inventory/transfers", body):
            if found.status == 201:
                self.sent.append(found.body["id"])

    async def take_in(self) -> None:
        if self.sent:
            await self._asked(f"/inventory/transfers/{self.chance.choice(self.sent)}/receive", {})

    async def reconcile(self) -> None:
        await self.ask("GET", "/payments/reconciliation")

    async def ship(self) -> None:
        """Move a parcel one step on."""
        found = await self.ask("GET", f"/orders/{self._order()}/shipments")
        if found.status == 200 and found.body["items"]:
            parcel = self.chance.choice(found.body["items"])
            status = ON_ITS_WAY.get(parcel["status"], "delivered")
            await self.ask("PATCH", f"/shipments/{parcel['id']}", {"status": status})

    async def split(self) -> None:
        sku = self.chance.choice(self.shop.skus)
        body = {"lines": [{"sku": sku, "quantity": 1}]}
        await self.ask("POST", f"/orders/{self._order()}/shipments", body, key=self.shop.new_id())

    async def refund(self) -> None:
        await self._refund(self._order(), self.shop.new_id())

    async def refund_twice(self) -> None:
        order, key = self._order(), self.shop.new_id()
        await asyncio.gather(*(self.ask("POST", f"/orders/{order}/refunds", {}, key=key) for _ in range(2)))

    async def refund_units(self) -> None:
        body = {"lines": [{"sku": self.chance.choice(self.shop.skus), "quantity": 1}]}
        await self.ask("POST", f"/orders/{self._order()}/refunds", body, key=self.shop.new_id())

    async def retry(self) -> None:
        """Have a refund that the bank refused tried again, now and then twice under one key."""
        found = await self.ask("GET", "/refunds?status=failed")
        if found.status == 200 and found.body["items"]:
            owed, key = self.chance.choice(found.body["items"]), self.shop.new_id()
            path, times = f"/orders/{owed['order_id']}/refunds/{owed['id']}/retry", self.chance.choice((1, 2))
            await asyncio.gather(*(self.ask("POST", path, key=key) for _ in range(times)))

    async def withdraw(self) -> None:
        """Somebody thinks that the coupon was a mistake."""
        await self.ask("DELETE", "/coupons/SENT")

    async def call_off(self) -> None:
        await self.ask("POST", f"/orders/{self._order()}/cancel", key=self.shop.new_id())

    async def capture(self) -> None:
        await self.ask("POST", f"/payments/{self._payment()}/capture", key=self.shop.new_id())

    async def void(self) -> None:
        await self.ask("POST", f"/payments/{self._payment()}/void", key=self.shop.new_id())

    async def mark_paid(self) -> None:
        body = {"reference": f"R-{self.chance.randint(1, 99)}"}
        await self.ask("POST", f"/payments/{self._payment()}/mark-paid", body, key=self.shop.new_id())

    async def make_good(self) -> None:
        """Bring in what a count found missing, and what was promised before it came."""
        await self.log_in()
        for sku in self.shop.skus:
            while (found := await self.ask("GET", f"/inventory/{sku}")).status != 200:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(1)  # somebody whom inventory asks is not back yet
            wanted = [(each["shortage"], each["location_id"]) for each in found.body["locations"]]
            for quantity, place in (*wanted, (found.body["backordered"], "main")):
                if quantity:
                    body = {"quantity": quantity, "location_id": place}
                    await self.ask("POST", f"/inventory/{sku}/receipts", body, key=self.shop.new_id())

    async def _entry(self, what: str, body: dict[str, object]) -> None:
        place = {"location_id": self.chance.choice(self.places)}
        await self._asked(f"/inventory/{self.chance.choice(self.shop.skus)}/{what}", body | place)

    async def _asked(self, path: str, body: dict[str, object]) -> list[Answer]:
        """What is answered, now and then to the same asked twice at once."""
        key, times = self.shop.new_id(), 2 if self.chance.random() < 0.15 else 1
        return await asyncio.gather(*(self.ask("POST", path, body, key=key) for _ in range(times)))

    async def _refund(self, order: str, key: str) -> None:
        part = self.chance.random() < 0.5
        body = {"amount": {"amount": "100.00", "currency": "KES"}} if part else {}
        await self.ask("POST", f"/orders/{order}/refunds", body, key=key)

    def _order(self) -> str:
        return self.chance.choice(self.shop.orders)

    def _payment(self) -> str:
        return self.chance.choice(list(self.shop.payments.values()))
