"""What operators see of all services at once: an app of the gateway's own, beside those it routes to."""

from collections.abc import Iterable

from chassis.http import Authentication, Peers, create_app
from fastapi import FastAPI

from gateway.operators import dead_letters, jobs, orders
from gateway.operators.asking import Services
from gateway.routes import OPERATORS


def operators(peers: Peers, services: Iterable[str], authentication: Authentication | None = None) -> FastAPI:
    """The app that answers ``/api/v1/ops``; it asks ``services`` by their names among ``peers``."""
    state = {"service": Services(peers, services), "authentication": authentication}
    return create_app(OPERATORS, [dead_letters.router, jobs.router, orders.router], state=state)
