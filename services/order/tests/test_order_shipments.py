"""A confirmed order's parcels, and what they make of its status."""

from itertools import pairwise

import pytest
from chassis.decider import Send
from chassis.testing import given
from order import commands, events
from order.domain import order
from order.events import Event
from order.shipments import NEXT, Parcel, Shipment, ShipmentStatus, order_status
from order.testing import (
    CUSTOMER,
    NOW,
    ORDER,
    awaiting,
    cancel,
    cancelled,
    confirmed,
    placed,
    refund_started,
    tell,
)
from soko_contracts import order as facts

KETTLE = Parcel(sku="KET-1", quantity=1)
PARCEL = {"order_id": ORDER, "number": "SO-1", "customer_id": CUSTOMER, "carrier": None, "tracking_number": None}
SPLIT = events.ShipmentSplit(
    shipment_id="s-2", lines=(KETTLE,), emptied=(), carrier=None, tracking_number=None, created_at=NOW
)


def split(*lines: Parcel) -> commands.SplitShipment:
    return commands.SplitShipment(shipment_id="s-2", lines=lines, carrier=None, tracking_number=None, now=NOW)


def move(status: str | None, shipment_id: str = "new-1", carrier: str | None = None) -> commands.UpdateShipment:
    return commands.UpdateShipment(
        shipment_id=shipment_id,
        status=ShipmentStatus(status) if status else None,
        carrier=carrier,
        tracking_number=None,
    )


def moved(*path: str, shipment_id: str = "new-1") -> tuple[Event, ...]:
    statuses = [ShipmentStatus.PENDING, *map(ShipmentStatus, path)]
    return tuple(
        events.ShipmentUpdated(shipment_id=shipment_id, before=before, status=after, carrier=None, tracking_number=None)
        for before, after in pairwise(statuses)
    )


DELIVERED = ("packed", "in_transit", "out_for_delivery", "delivered")


def test_a_packed_parcel_makes_the_order_processing() -> None:
    then = given(order, *confirmed()).when(move("packed")).then(*moved("packed"))
    then.sends(facts.ShipmentUpdated(**PARCEL, shipment_id="new-1", status="packed"))  # type: ignore[arg-type]
    assert then.state.status == "processing"


def test_when_the_last_parcel_leaves_the_order_is_shipped_and_the_customer_told() -> None:
    then = given(order, *confirmed(), *moved("packed")).when(move("in_transit"))
    then.sends(
        facts.Shipped(**PARCEL, shipment_id="new-1"),  # type: ignore[arg-type]
        tell("order_shipped", "new-1", carrier=None, tracking_number=None),
    )
    assert then.state.status == "shipped"


def test_when_a_first_parcel_of_two_leaves_the_order_is_partially_shipped() -> None:
    then = given(order, *confirmed(), SPLIT).when(move("in_transit", "s-2"))
    then.sends(
        facts.ShipmentUpdated(**PARCEL, shipment_id="s-2", status="in_transit"),  # type: ignore[arg-type]
        tell("order_shipped", "s-2", carrier=None, tracking_number=None),
    )
    assert then.state.status == "partially_shipped"


def test_when_the_last_parcel_arrives_the_order_is_delivered() -> None:
    then = given(order, *confirmed(), *moved(*DELIVERED[:-1])).when(move("delivered"))
    then.sends(
        facts.Delivered(**PARCEL, shipment_id="new-1"),  # type: ignore[arg-type]
        tell("order_delivered", "new-1", carrier=None, tracking_number=None),
    )
    assert (then.state.status, then.state.done) == ("delivered", True)


def test_when_a_first_parcel_of_two_arrives_it_is_that_parcels_news() -> None:
    history = (*confirmed(), SPLIT, *moved(*DELIVERED[:-1], shipment_id="s-2"))
    then = given(order, *history).when(move("delivered", "s-2"))
    then.sends(facts.ShipmentUpdated(**PARCEL, shipment_id="s-2", status="delivered"))  # type: ignore[arg-type]
    assert then.state.status == "partially_shipped"


def test_a_second_way_to_the_customer_is_not_a_second_shipping() -> None:
    then = given(order, *confirmed(), *moved("in_transit", "failed")).when(move("in_transit"))
    then.sends(facts.ShipmentUpdated(**PARCEL, shipment_id="new-1", status="in_transit"))  # type: ignore[arg-type]


def test_a_carrier_and_a_number_can_be_given_on_the_way() -> None:
    then = given(order, *confirmed(), *moved("in_transit")).when(move(None, carrier="Posta"))
    (event,) = then.events
    assert isinstance(event, events.ShipmentUpdated)
    assert (event.carrier, event.status) == ("Posta", ShipmentStatus.IN_TRANSIT)
    assert len(then.effects) == 1
    assert given(order, *confirmed(), *moved("in_transit"), event).when(move(None, carrier="Posta")).events == []


def test_a_number_alone_can_be_given_and_is_kept() -> None:
    number = commands.UpdateShipment(shipment_id="new-1", status=None, carrier=None, tracking_number="KE-1")
    then = given(order, *confirmed()).when(number)
    assert then.state.shipments[0].tracking_number == "KE-1"
    assert given(order, *confirmed(), *then.events).when(number).events == []
    packed = given(order, *confirmed(), *then.events).when(move("packed", carrier="Posta"))
    (parcel,) = packed.state.shipments
    assert (parcel.status, parcel.carrier, parcel.tracking_number) == ("packed", "Posta", "KE-1")


def test_a_carrier_given_after_delivery_is_not_a_second_delivery() -> None:
    then = given(order, *confirmed(), *moved(*DELIVERED)).when(move(None, carrier="Posta"))
    (sent,) = then.effects
    assert isinstance(sent, Send)
    assert isinstance(sent.message, facts.ShipmentUpdated)


def test_the_status_that_it_has_already_is_no_news() -> None:
    given(order, *confirmed(), *moved("packed")).when(move("packed")).then().sends()


@pytest.mark.parametrize("before", ShipmentStatus)
@pytest.mark.parametrize("after", ShipmentStatus)
def test_a_parcel_moves_one_step_at_a_time(before: ShipmentStatus, after: ShipmentStatus) -> None:
    there = events.ShipmentUpdated(
        shipment_id="new-1", before=ShipmentStatus.PENDING, status=before, carrier=None, tracking_number=None
    )
    then = given(order, *confirmed(), there).when(move(after))
    if before is after:
        then.then()
    elif after in NEXT[before]:
        assert then.state.shipments[0].status is after
    else:
        then.refuses("not-shippable")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("pending", "packed in_transit"),
        ("packed", "in_transit"),
        ("in_transit", "out_for_delivery delivered failed returned"),
        ("out_for_delivery", "delivered failed returned"),
        ("failed", "in_transit out_for_delivery returned"),
        ("delivered", ""),
        ("returned", ""),
    ],
)
def test_from_each_status_it_goes_just_there(before: str, after: str) -> None:
    assert set(NEXT[ShipmentStatus(before)]) == set(map(ShipmentStatus, after.split()))


@pytest.mark.parametrize("left", ["in_transit", "out_for_delivery", "delivered", "failed", "returned"])
def test_once_a_parcel_has_left_the_order_cannot_be_cancelled(left: str) -> None:
    given(order, *confirmed(), *moved("in_transit", left)).when(cancel()).refuses("already-shipped")


def test_a_packed_order_can_be_cancelled_still() -> None:
    assert given(order, *confirmed(), *moved("packed")).when(cancel()).state.status == "cancelled"


def test_a_parcel_of_its_own_takes_its_units_from_those_not_packed() -> None:
    then = given(order, *confirmed()).when(split(KETTLE)).then(SPLIT)
    then.sends(facts.ShipmentUpdated(**PARCEL, shipment_id="s-2", status="pending"))  # type: ignore[arg-type]
    first, second = then.state.shipments
    assert first.lines == (KETTLE, Parcel(sku="MUG-1", quantity=1))
    assert second.lines == (KETTLE,)


def test_a_packed_parcel_stays_as_it_is_beside_a_new_one() -> None:
    history = (*confirmed(), SPLIT, *moved("packed", shipment_id="s-2"))
    third = commands.SplitShipment(shipment_id="s-3", lines=(KETTLE,), carrier=None, tracking_number=None, now=NOW)
    parcels = given(order, *history).when(third).state.shipments
    assert {one.shipment_id: one.lines for one in parcels} == {
        "new-1": (Parcel(sku="MUG-1", quantity=1),),
        "s-2": (KETTLE,),
        "s-3": (KETTLE,),
    }


def test_a_pending_parcel_left_empty_is_gone() -> None:
    rest = (KETTLE, Parcel(sku="MUG-1", quantity=1))
    both = commands.SplitShipment(shipment_id="s-3", lines=rest, carrier=None, tracking_number=None, now=NOW)
    then = given(order, *confirmed(), *moved("packed")).when(both).refuses("not-shippable")
    then = given(order, *confirmed(), SPLIT).when(both)
    assert then.events[0].emptied == ("new-1",)  # type: ignore[union-attr]
    assert [shipment.shipment_id for shipment in then.state.shipments] == ["s-2", "s-3"]


def test_more_than_is_left_to_pack_cannot_be_shipped() -> None:
    given(order, *confirmed()).when(split(Parcel(sku="KET-1", quantity=3))).refuses("not-shippable")
    given(order, *confirmed()).when(split(Parcel(sku="NOT-1", quantity=1))).refuses("not-shippable")
    packed = (*confirmed(), *moved("packed"))
    given(order, *packed).when(split(KETTLE)).refuses("not-shippable")


@pytest.mark.parametrize("history", [(placed(),), awaiting(), (*confirmed(), cancelled())])
def test_only_a_confirmed_order_has_parcels(history: tuple[Event, ...]) -> None:
    given(order, *history).when(split(KETTLE)).refuses("not-shippable")
    given(order, *history).when(move("packed")).refuses("not-shippable")


def test_a_parcel_nobody_knows_is_not_found() -> None:
    given(order, *confirmed()).when(move("packed", "s-9")).refuses("not-found")


@pytest.mark.parametrize(
    ("parcels", "status"),
    [
        (["pending"], "confirmed"),
        (["pending", "packed"], "processing"),
        (["pending", "in_transit"], "partially_shipped"),
        (["packed", "delivered"], "partially_shipped"),
        (["in_transit", "delivered"], "shipped"),
        (["failed", "out_for_delivery"], "shipped"),
        (["returned"], "shipped"),
        (["delivered", "returned"], "shipped"),
        (["delivered", "delivered"], "delivered"),
    ],
)
def test_the_parcels_make_the_orders_status(parcels: list[str], status: str) -> None:
    shipments = [Shipment(shipment_id=name, lines=(), created_at=NOW, status=ShipmentStatus(name)) for name in parcels]
    assert order_status(shipments) == status


@pytest.mark.parametrize(
    ("history", "done"),
    [
        ((placed(),), False),
        (confirmed(), False),
        ((*confirmed(), *moved("in_transit", "failed")), False),
        ((*confirmed(), *moved("in_transit", "returned")), True),
        ((*confirmed(), *moved(*DELIVERED)), True),
        ((*confirmed(), SPLIT, *moved(*DELIVERED)), False),
        ((placed(), cancelled()), True),
        ((*confirmed(), cancelled(), refund_started()), False),
    ],
)
def test_done_means_nobody_needs_the_address_any_more(history: tuple[Event, ...], done: bool) -> None:
    assert order.fold(history).done is done
