"""The example for subscribers outside the shop does what its page says."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from faststream.rabbit import TestRabbitBroker
from soko_contracts import Envelope, adapter, order, parse, schemas

EXAMPLE = Path(__file__).parent.parent / "examples" / "bookkeeping.py"
README = Path(__file__).parent.parent / "README.md"
SAMPLES = schemas.FOLDER.parent / "samples"


@pytest.fixture
def bookkeeping() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bookkeeping", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def confirmed() -> tuple[order.Confirmed, Envelope]:
    fact: order.Confirmed = parse("order.confirmed.v1", (SAMPLES / "order.confirmed.v1.json").read_bytes())
    return fact, Envelope(
        id="0198d2a4-7c10-7f00-9a3e-5f1b2c3d4eff",
        source="order",
        type="order.confirmed.v1",
        time=fact.confirmed_at,
        subject=fact.order_id,
        partitionkey=fact.order_id,
        sequence=5,
        correlationid="a-story",
        causationid="a-cause",
        data=adapter(order.Confirmed).dump_json(fact),
    )


async def test_the_example_writes_an_order_down_once_though_it_hears_twice(bookkeeping: ModuleType) -> None:
    fact, envelope = confirmed()
    async with TestRabbitBroker(bookkeeping.broker) as broker:
        for _ in range(2):
            await broker.publish(
                envelope.data,
                routing_key=envelope.type,
                exchange=bookkeeping.EVENTS,
                headers=dict(envelope.headers()),
                content_type="application/json",
            )
    assert bookkeeping.book == {fact.order_id: fact}


def test_the_readme_shows_the_example_as_it_is() -> None:
    assert EXAMPLE.read_text() in README.read_text()
