"""Which RabbitMQ the tests run on: a given one, a container, an installed server, or one that apt installs now."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chassis.servers.apt import install
from chassis.servers.rabbitmq import PrivateRabbit, find_server, how_to_get_one


@dataclass(frozen=True, slots=True)
class Broker:
    """A RabbitMQ for tests. ``node`` is there when it is ours to kill and to start again."""

    url: str
    stop: Callable[[], None]
    node: PrivateRabbit | None = None


def obtain(home: Path) -> Broker:
    """A running RabbitMQ: the first that can be had. ``ServerFailed`` says why there is none."""
    given = os.environ.get("RABBITMQ_URL")
    if given:
        return Broker(given, stop=lambda: None)
    contained = _container()
    if contained is not None:
        return contained
    install("rabbitmq-server", find_server, how_to_get_one())
    node = PrivateRabbit(home)
    node.start()
    return Broker(node.url(), stop=node.stop, node=node)


def _container() -> Broker | None:
    """A container, where a Docker engine answers and has or gets the image."""
    try:
        from testcontainers.community.rabbitmq import RabbitMqContainer
        from testcontainers.core.docker_client import DockerClient
    except ImportError:
        return None
    try:
        DockerClient().client.ping()
        container = RabbitMqContainer(os.environ.get("RABBITMQ_IMAGE", "rabbitmq:4"))
        container.start()
    except Exception:  # no engine, no image, no network: the next way is tried, whatever the reason
        return None
    address = f"{container.get_container_host_ip()}:{container.get_exposed_port(container.port)}"
    return Broker(f"amqp://{container.username}:{container.password}@{address}/", stop=container.stop)
