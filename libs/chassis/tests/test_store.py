"""What a service keeps of its streams in memory."""

from chassis.aggregate import Aggregate
from chassis.batch import Aggregates, Held
from chassis.decider import Decider
from chassis.store import CACHED_STREAMS, Store


def decider(stream: str) -> Decider[str, int, str]:
    return Decider(stream, 0, lambda command, _: [command], lambda state, _: state + 1)


def test_many_orders_push_out_the_oldest_of_them_and_no_sku() -> None:
    store = Store(Aggregates(Aggregate(decider(stream), {}) for stream in ("stock", "order")))
    store.remember({"stock-KET-1": Held(1, 1)})
    for number in range(CACHED_STREAMS + 1):
        store.remember({f"order-{number}": Held(1, 1)})
    asked = ("stock-KET-1", "order-0", "order-1", f"order-{CACHED_STREAMS}")
    assert store.remembered(asked).keys() == {"stock-KET-1", "order-1", f"order-{CACHED_STREAMS}"}


def test_what_is_written_to_again_stays() -> None:
    store = Store(Aggregates([Aggregate(decider("order"), {})]))
    for number in range(CACHED_STREAMS):
        store.remember({f"order-{number}": Held(1, 1)})
    store.remember({"order-0": Held(2, 2)})
    store.remember({"order-new": Held(1, 1)})
    assert store.remembered(["order-0", "order-1"]) == {"order-0": Held(2, 2)}
