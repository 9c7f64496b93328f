"""SKUs the catalog tells of, several in one message: known to the inventory from then on, initial stock received."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chassis.decider import Address, Many

from inventory.domain.stock import stock
from inventory.domain.stock_commands import ListSku


@dataclass(frozen=True, slots=True)
class ListSkus:
    """Each SKU once."""

    skus: tuple[ListSku, ...]


def streams(command: ListSkus) -> list[Address]:
    """A stock stream a SKU."""
    return [(stock, item.sku) for item in command.skus]


def decide(command: ListSkus, states: Mapping[str, Any]) -> list[tuple[Address, Any]]:
    """Every SKU decides for itself; one that is known already changes nothing."""
    return [
        ((stock, item.sku), event)
        for item in command.skus
        for event in stock.decide(item, states[stock.name(item.sku)])
    ]


listing: Many[ListSkus] = Many(streams, decide)
