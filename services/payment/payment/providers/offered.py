"""Which methods this shop offers, and who serves each."""

from collections.abc import Mapping

from chassis.http import Peers

from payment.domain.commands import CARD, CASH_ON_DELIVERY
from payment.providers.cardsim import CardSim
from payment.providers.cash_on_delivery import CashOnDelivery
from payment.providers.port import Provider
from payment.settings import Settings

ANSWER_WITHIN = 10.0
"""Seconds for a provider to answer a call, well within the call's lease."""

NEEDS: Mapping[str, tuple[str, ...]] = {CARD: ("token",), CASH_ON_DELIVERY: ()}
"""What a customer has to send with each method."""

BY_HAND = frozenset({CASH_ON_DELIVERY})
"""Methods whose money people collect: only they are marked paid."""


def offered(settings: Settings, peers: Peers) -> dict[str, Provider]:
    """The providers by method. ``peers`` reaches those that are asked over HTTP."""
    providers: dict[str, Provider] = {}
    if settings.simulated_cards:
        providers[CARD] = CardSim(
            Peers(peers.apps, within=ANSWER_WITHIN),  # without our service token: a provider is not one of us
            api_key=settings.cardsim_secret("api-key"),
            webhook_secret=settings.cardsim_secret("webhooks"),
            tolerance=settings.webhook_tolerance,
            return_url=settings.return_url,
        )
    if settings.cash_on_delivery:
        providers[CASH_ON_DELIVERY] = CashOnDelivery()
    return providers
