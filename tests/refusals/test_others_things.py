"""What is another's does not exist: the same 404 as for what was never there, and no list, search or order shows it."""

from typing import Any

import httpx
import pytest
from cast import ADDRESS_BOOK, Cast
from chassis.http.problems import MEDIA_TYPE
from chassis.world import new_id
from shopping import ADDRESS, Person
from surface import Endpoint, public

OWNED = {
    "order_id": ("order_id", "paid_order_id", "number"),
    "payment_id": ("payment_id", "failed_payment_id"),
    "shipment_id": ("shipment_id",),
    "address_id": ("address_id",),
    "session_id": ("session_id",),
    "client_id": ("client_id",),
    "item_id": ("item_id",),
}
"""Parts of paths that name what somebody owns, and what the owner has of it."""

FOR_OWNERS = [each for each in public() if set(each.names) & set(OWNED) and ":" not in each.access]


async def ask(cast: Cast, endpoint: Endpoint, person: Person, **others: str) -> httpx.Response:
    """As its owner would ask for it."""
    body = cast.body(endpoint) if endpoint.body is not None else None
    headers = {**person.headers, "Idempotency-Key": new_id()}
    return await cast.shop.door.request(endpoint.method, cast.path(endpoint, **others), json=body, headers=headers)


def told(answer: httpx.Response, *ids: str) -> Any:
    """What a problem says, without what differs in every request."""
    text = answer.text
    for id_ in ids:
        text = text.replace(id_, "…")
    return text.replace(answer.json()["request_id"], "…")


@pytest.mark.parametrize("endpoint", FOR_OWNERS, ids=str)
async def test_anothers_is_404_like_what_never_was(endpoint: Endpoint, cast: Cast) -> None:
    (name,) = set(endpoint.names) & set(OWNED)
    strangers = {"customer": cast.customer, "guest": cast.guest}
    if endpoint.access in ("signed_in", "shopper"):
        del strangers["guest"]
    for role, stranger in strangers.items():
        for thing in OWNED[name]:
            theirs, nothing = cast.things[thing], f"SO-{10**9}" if thing == "number" else new_id()
            answer = await ask(cast, endpoint, stranger, **{name: theirs})
            assert answer.status_code == 404, f"{role}, {thing}: {answer.text}"
            assert answer.headers["content-type"] == MEDIA_TYPE
            absent = await ask(cast, endpoint, stranger, **{name: nothing})
            assert told(answer, theirs) == told(absent, nothing), f"{role}, {thing}"


@pytest.mark.parametrize("endpoint", FOR_OWNERS, ids=str)
async def test_nobody_has_to_say_who_they_are_first(endpoint: Endpoint, cast: Cast) -> None:
    answer = await ask(cast, endpoint, cast.nobody)
    # A cart's lines are looked for in the cart of whoever asks: nobody has none.
    assert answer.status_code == (404 if "item_id" in endpoint.names else 401), answer.text


@pytest.mark.parametrize(
    "path", ["/orders", "/payments", "/shipments", "/carts", "/notifications", "/users/me/addresses"]
)
async def test_a_list_holds_ones_own(path: str, cast: Cast) -> None:
    theirs = {each["id"] for each in (await cast.owner.get(f"{path}?page_size=100"))["items"]}
    assert theirs
    shown = await cast.customer.get(f"{path}?page_size=100")
    assert theirs.isdisjoint(each["id"] for each in shown["items"])
    assert shown["total"] == len(shown["items"])


async def test_no_filter_reaches_into_what_is_anothers(cast: Cast) -> None:
    things = cast.things
    for person in (cast.customer, cast.guest):
        for query in (
            f"search={things['number']}",
            "search=c-",
            "search=%2B2547",
            f"search={things['sku']}",
            "mine=false",
        ):
            assert (await person.get(f"/orders?{query}"))["items"] == []
    for query in (f"order_id={things['order_id']}", "status=captured", "mine=false", "method=card"):
        assert (await cast.customer.get(f"/payments?{query}"))["items"] == []


async def test_a_payment_for_anothers_order_is_404(cast: Cast) -> None:
    for person in (cast.customer, cast.guest):
        body = {"order_id": cast.things["order_id"], "method": "card", "token": "tok_success"}
        answer = await person.call("POST", "/payments", body, {"Idempotency-Key": new_id()})
        assert answer.status_code == 404, answer.text


async def test_an_order_cannot_go_to_anothers_address(cast: Cast) -> None:
    buyer = await cast.shop.customer()
    await buyer.add(cast.things["sku"])
    order = {"address_id": cast.things["address_id"], "shipping_method": "standard"}
    answer = await buyer.call("POST", "/orders", order, {"Idempotency-Key": new_id()})
    assert answer.status_code in (404, 422), answer.text
    assert ADDRESS_BOOK["line1"] not in answer.text
    assert (await buyer.get("/orders"))["total"] == 0


async def test_an_idempotency_key_opens_nothing_of_anothers(cast: Cast) -> None:
    """The same key, route and body as somebody else sent: keys belong to their callers."""
    key, first, second = new_id(), await cast.shop.customer(), await cast.shop.customer()
    for person in (first, second):
        await person.add(cast.things["sku"])
    orders = [(await person.checkout(key=key)) for person in (first, second)]
    assert [each.status_code for each in orders] == [201, 201]
    assert orders[0].json()["id"] != orders[1].json()["id"]
    assert "idempotency-replayed" not in orders[1].headers


async def test_a_guests_order_opens_to_their_cart_token_alone(cast: Cast) -> None:
    guest = cast.shop.guest()
    await guest.add(cast.things["sku"])
    placed = await guest.checkout(email="guest@soko.example")
    assert placed.status_code == 201, placed.text
    order = placed.json()
    for endpoint in FOR_OWNERS:
        if endpoint.names == ["order_id"]:
            for person in (cast.customer, cast.guest, cast.owner):
                answer = await ask(cast, endpoint, person, order_id=order["id"])
                assert answer.status_code == 404, f"{endpoint}: {answer.text}"
    for part in ("", "/timeline", "/tracking", "/shipments"):
        await guest.get(f"/orders/{order['id']}{part}")
    assert (await guest.get("/orders"))["total"] == 1


async def test_only_its_payer_sees_what_a_payment_asks_for(cast: Cast) -> None:
    buyer = await cast.shop.customer()
    await buyer.add(cast.things["sku"])
    order = (await buyer.checkout("tok_3ds")).json()
    assert order["next_action"]["type"] == "redirect"
    payment = await buyer.get(f"/payments/{order['payment']['id']}")
    assert payment["next_action"] == order["next_action"]
    for thing in (f"/orders/{order['id']}", f"/payments/{order['payment']['id']}"):
        assert (await cast.staff.get(thing))["next_action"] is None
    for path in ("/orders", "/payments"):
        assert order["next_action"]["url"] not in (await cast.staff.call("GET", path)).text


async def test_a_session_ended_by_a_stranger_goes_on(cast: Cast) -> None:
    answer = await cast.customer.call("DELETE", f"/users/me/sessions/{cast.things['session_id']}")
    assert answer.status_code == 404
    assert (await cast.owner.call("GET", "/users/me")).status_code == 200


async def test_a_cart_can_be_taken_over_by_its_token_and_not_by_its_id(cast: Cast) -> None:
    taker = await cast.shop.customer()
    cart = await cast.owner.get("/cart")
    for token in (cart["id"], "0" * 43, cast.things["item_id"]):
        answer = await taker.call("POST", "/cart/merge", headers={"X-Cart-Token": token})
        assert (answer.status_code, answer.json()["items"]) == (200, [])
    assert [line["id"] for line in (await cast.owner.get("/cart"))["items"]] == [cast.things["item_id"]]


async def test_who_has_two_keys_sees_what_both_open(cast: Cast) -> None:
    """Logged in and with the cart token that an order was placed with: it is theirs."""
    guest = cast.shop.guest()
    await guest.add(cast.things["sku"])
    order = (await guest.checkout(email="guest@soko.example", shipping_address=ADDRESS)).json()
    both = {**cast.customer.headers, "X-Cart-Token": guest.headers["X-Cart-Token"]}
    assert (await cast.customer.call("GET", f"/orders/{order['id']}", headers=both)).status_code == 200
