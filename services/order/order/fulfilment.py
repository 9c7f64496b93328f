"""What staff may do with a confirmed order's parcels."""

from collections.abc import Sequence

from chassis.decider import Refused

from order import commands, events
from order.events import Event
from order.shipments import NEXT, Shipment, split, unpacked
from order.state import Order, Phase


def split_shipment(command: commands.SplitShipment, state: Order) -> Sequence[Event]:
    """A new parcel, made of units that nobody has packed yet."""
    _must_be_confirmed(state)
    waiting = unpacked(state.shipments)
    for line in command.lines:
        if line.quantity > waiting.get(line.sku, 0):
            raise Refused(
                "not-shippable", f"Of {line.sku} there are {waiting.get(line.sku, 0)} units still to be packed."
            )
    new = Shipment(
        shipment_id=command.shipment_id,
        lines=command.lines,
        created_at=command.now,
        carrier=command.carrier,
        tracking_number=command.tracking_number,
    )
    kept = {shipment.shipment_id for shipment in split(state.shipments, new)}
    emptied = (shipment.shipment_id for shipment in state.shipments if shipment.shipment_id not in kept)
    return [
        events.ShipmentSplit(
            shipment_id=new.shipment_id,
            lines=new.lines,
            emptied=tuple(emptied),
            carrier=new.carrier,
            tracking_number=new.tracking_number,
            created_at=new.created_at,
        )
    ]


def update_shipment(command: commands.UpdateShipment, state: Order) -> Sequence[Event]:
    """A parcel moves one step, or gets its carrier and number. What is so already is no news."""
    _must_be_confirmed(state)
    shipment = state.shipment(command.shipment_id)
    if shipment is None:
        raise Refused("not-found", "There is no such shipment.")
    status = command.status or shipment.status
    if status is not shipment.status and status not in NEXT[shipment.status]:
        raise Refused("not-shippable", f"A shipment that is {shipment.status} cannot become {status}.")
    carrier = command.carrier if command.carrier is not None else shipment.carrier
    number = command.tracking_number if command.tracking_number is not None else shipment.tracking_number
    if (status, carrier, number) == (shipment.status, shipment.carrier, shipment.tracking_number):
        return []
    return [
        events.ShipmentUpdated(
            shipment_id=shipment.shipment_id,
            before=shipment.status,
            status=status,
            carrier=carrier,
            tracking_number=number,
        )
    ]


def _must_be_confirmed(state: Order) -> None:
    if state.phase is not Phase.CONFIRMED:
        raise Refused("not-shippable", f"Nothing is to be shipped: the order is {state.status}.")
