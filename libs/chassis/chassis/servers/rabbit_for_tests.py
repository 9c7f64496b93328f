"""Which RabbitMQ the tests run on: a given one, a container, an installed server, or one that apt installs now."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chassis.servers import child
from chassis.servers.failed import ServerFailed
from chassis.servers.rabbitmq import PrivateRabbit, find_server, how_to_get_one

INSTALL_SECONDS = 600


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
    if find_server() is None:
        _install()
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


def _install() -> None:
    """``apt-get install rabbitmq-server``, on Debian and Ubuntu as root. No service is started by it."""
    apt = shutil.which("apt-get")
    if apt is None or not child.is_root():
        raise ServerFailed(how_to_get_one())
    with Path(tempfile.gettempdir(), "soko-installs-rabbitmq").open("w") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if find_server() is None:
            _install_by(apt)


def _install_by(apt: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (
        [apt, "update", "-qq"],
        [apt, "install", "-y", "-qq", "--no-install-recommends", "rabbitmq-server"],
    ):
        try:
            done = subprocess.run(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=INSTALL_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as slow:
            raise ServerFailed(
                f"{' '.join(command)} took longer than {INSTALL_SECONDS} s. {how_to_get_one()}"
            ) from slow
    if find_server() is None:
        said = done.stderr.strip().splitlines()
        raise ServerFailed(f"apt could not install rabbitmq-server ({said[-1] if said else 'no reason given'}).")
