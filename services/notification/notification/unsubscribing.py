"""The link in a mail by which its reader does without others like it: no login, no address, and it does not run out."""

from dataclasses import astuple, dataclass
from typing import Final

from chassis.confiding import signed, verified

from notification.settings import Settings

PATH: Final = "/api/v1/notifications/unsubscribe"
PURPOSE: Final = "unsubscribe"


@dataclass(frozen=True, slots=True)
class Unsubscribing:
    """Who does without what, and how they are spoken to. ``who``: a customer, or a guest's one order."""

    who: str
    topic: str
    channel: str
    language: str

    def link(self, settings: Settings) -> str:
        """The same for the same mail, whenever it is sent."""
        return f"{settings.shop_url}{PATH}?token={signed(settings.soko_internal_key, PURPOSE, ' '.join(astuple(self)))}"


def unsubscribing(settings: Settings, token: str) -> Unsubscribing:
    """What a link asks for. Raises NotConfided."""
    return Unsubscribing(*verified(settings.soko_internal_key, PURPOSE, token).split(" "))
