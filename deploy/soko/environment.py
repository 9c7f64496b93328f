"""Settings that a shop makes itself, where nobody gave them."""

import os

from soko.home import Home
from soko.settings import ShopSettings


def prepare_environment(settings: ShopSettings, home: Home, url: str) -> None:
    """Settings that the shop makes itself, where nobody gave them: services read them from the environment."""
    if settings.strict:
        return
    os.environ.setdefault("SOKO_HOME", str(home.path))
    os.environ.setdefault("PUBLIC_URL", url)
    os.environ.setdefault("CARDSIM_URL", f"{url}/cardsim")
    if not settings.soko_internal_key.get_secret_value():
        os.environ["SOKO_INTERNAL_KEY"] = home.internal_key()
