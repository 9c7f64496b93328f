"""What operators watch."""

import socket
from urllib.request import urlopen

import pytest
from chassis import metrics


def value(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


def test_the_ages_and_depths_of_every_queue_have_a_name() -> None:
    for gauge, name in (
        (metrics.OUTBOX_AGE, "soko_outbox_age_seconds"),
        (metrics.INBOX_DEPTH, "soko_inbox_depth"),
        (metrics.INBOX_AGE, "soko_inbox_age_seconds"),
        (metrics.PARKED, "soko_parked"),
    ):
        gauge.labels("test").set(3)
        assert value(name, service="test") == 3
    metrics.SAGA_AGE.labels("test", "checkout").set(7)
    assert value("soko_saga_age_seconds", service="test", saga="checkout") == 7


def test_they_are_read_from_a_port_of_their_own() -> None:
    metrics.PARKED.labels("test").set(5)
    running = metrics.serve(0)
    try:
        with urlopen(f"http://127.0.0.1:{running[0].server_port}/metrics") as answer:
            text = answer.read().decode()
    finally:
        metrics.stop(running)
    assert 'soko_parked{service="test"} 5.0' in text
    assert "process_cpu_seconds_total" in text


def test_a_port_that_is_taken_is_an_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            metrics.serve(taken.getsockname()[1])
