"""Keys that a process keeps in memory count only while the very same are in the database."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from chassis.context import Context
from chassis.sealing import Keyring
from chassis.world import new_id
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from order.commands import ChangeAddress
from order.domain import order
from order.service import build
from order.settings import Settings
from order.testing_shop import CARD, Shop, open_shop
from soko_contracts import notification

SUBJECTS = "select subject from subject_keys"
KEY_OF = "select key from subject_keys where subject = $1"


@pytest.fixture
async def shop(running: Callable[..., Any]) -> AsyncIterator[Shop]:
    async with open_shop(running) as opened:
        yield opened


async def erase(shop: Shop) -> None:
    """Amina's key goes, and this process is not told."""
    await shop.harness.service.database.pool.execute("delete from subject_keys where subject = $1", shop.amina)


async def contact(shop: Shop, order_id: str) -> Any:
    """As the order's first event holds it, opened with the key that is in the database now."""
    held = await shop.harness.service.load(order, order_id)
    return await shop.harness.service.open(held.state.contact)


def mails(shop: Shop) -> list[notification.Send]:
    return [each for each in shop.harness.sent if isinstance(each, notification.Send)]


async def test_what_is_sealed_for_an_erased_customer_is_opened_by_nobody(shop: Shop) -> None:
    mine = await shop.awaiting()
    await erase(shop)
    await shop.pay(mine)
    told = mails(shop)[-1]
    assert (told.kind, set(told.contact.values())) == ("order_confirmed", {"erased"})


async def test_a_customer_who_comes_back_is_sealed_for_anew(shop: Shop) -> None:
    await shop.confirmed()
    await erase(shop)
    back = await shop.awaiting()
    assert (await contact(shop, back["id"]))["email"] == back["email"] == "customer@soko.example"
    await shop.pay(back)
    assert mails(shop)[-1].contact["email"] == "customer@soko.example"


async def test_nothing_is_sealed_under_a_key_that_is_another_by_now(shop: Shop) -> None:
    await shop.confirmed()
    pool, other = shop.harness.service.database.pool, AESGCM.generate_key(256)
    await pool.execute("update subject_keys set key = $2 where subject = $1", shop.amina, other)
    placed = await shop.placed()
    assert (await contact(shop, placed["id"]))["email"] == placed["email"] == "customer@soko.example"
    assert await pool.fetchval(KEY_OF, shop.amina) == other


async def test_a_choice_to_pay_that_comes_to_nothing_leaves_no_key(shop: Shop) -> None:
    mine = await shop.awaiting()
    refused = await shop.post(f"/orders/{mine['id']}/pay", CARD)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/payment-in-progress")
    again = await shop.place(key=new_id())
    assert again.status_code == 200
    keys = await shop.harness.service.database.pool.fetch(SUBJECTS)
    assert {row["subject"] for row in keys} == {shop.amina, mine["payment"]["id"]}


async def test_an_order_that_another_process_moved_on_is_found_again(shop: Shop) -> None:
    """Its customer's key is as it was: what the statement did not find so was the order's version."""
    await shop.confirmed()
    placed, service = await shop.placed(), shop.harness.service
    assert isinstance(service.settings, Settings)
    other = build(service.settings, service.world)
    await other.open_database()
    address = (await other.load(order, placed["id"])).state.address
    await other.execute(order, placed["id"], ChangeAddress(address=address), Context("request", "story", "request"))
    await other.stop()
    again = await shop.place(key=new_id())
    assert (again.status_code, again.json()["id"]) == (200, placed["id"])


async def test_no_key_can_be_read_in_what_a_log_might_show(shop: Shop) -> None:
    await shop.confirmed()
    service = shop.harness.service
    key = await service.database.pool.fetchval(KEY_OF, shop.amina)
    sealing = await service.seal_each({shop.amina: "known", "another": "new"}, fresh=("another",))
    assert sealing.believed == {shop.amina: key}
    for secret in (key, sealing.made["another"]):
        assert repr(secret) not in repr(sealing)


def test_a_keyring_keeps_the_latest() -> None:
    keyring = Keyring()
    keyring.keep({str(number): b"key" for number in range(4_001)})
    assert (keyring.get("0"), keyring.get("4000")) == (None, b"key")
    keyring.drop(["4000"])
    assert keyring.get("4000") is None
