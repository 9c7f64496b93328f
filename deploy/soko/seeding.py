"""The demo shop's data: verified accounts and products. In development only; the services refuse it elsewhere."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from soko.home import Home
from soko.progress import Tell

if TYPE_CHECKING:
    from chassis.service import Service

ACCOUNTS = ("admin@soko.example", "staff@soko.example", "customer@soko.example")


def demo_password() -> str:
    """The published password of the demo accounts."""
    return str(import_module("identity.seed").DEMO_PASSWORD)


async def seed_users(identity: "Service") -> list[str]:
    """The demo accounts that were not there yet, made."""
    made: list[str] = await import_module("identity.seed").demo_accounts(identity)
    return made


async def seed_catalog(catalog: "Service", products: int, tell: Tell) -> int:
    """See that the first ``products`` demo products are there; how many were made now."""
    made: int = await import_module("catalog.seed").seed(catalog, products, tell)
    return made


async def create_admin(identity: "Service", email: str, password: str) -> str:
    """A new administrator's id."""
    id_: str = await import_module("identity.seed").create_admin(identity, email, password)
    return id_


class Seeded:
    """What this folder's shop was already filled with, so that an ordinary start need not look."""

    def __init__(self, home: Home) -> None:
        self._path = home.path / "seeded"

    def covers(self, *what: Any) -> bool:
        try:
            return self._path.read_text() == _text(what)
        except FileNotFoundError:
            return False

    def remember(self, *what: Any) -> None:
        self._path.write_text(_text(what))


def _text(what: tuple[Any, ...]) -> str:
    return " ".join(map(str, what))
