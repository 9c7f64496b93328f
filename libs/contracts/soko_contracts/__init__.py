"""Soko's public events and commands: what subscribers import.

Each module is a service; each class in it a message with its ``TYPE``. ``parse(type, data)`` reads one from the wire.
"""

from soko_contracts import cart, catalog, identity, inventory, notification, order, payment
from soko_contracts.envelope import Envelope
from soko_contracts.registry import MESSAGES, Message, adapter, parse
from soko_contracts.sealed import Personal, Sealed

__all__ = [
    "MESSAGES",
    "Envelope",
    "Message",
    "Personal",
    "Sealed",
    "adapter",
    "cart",
    "catalog",
    "identity",
    "inventory",
    "notification",
    "order",
    "parse",
    "payment",
]
