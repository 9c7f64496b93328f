"""What the notification service tells, and what it obeys."""

from soko_contracts.registry import command, event
from soko_contracts.sealed import Personal


@event("notification.sent.v1")
class Sent:
    """A message left for its receiver."""

    notification_id: str
    kind: str
    channel: str


@event("notification.failed.v1")
class Failed:
    """A message could not be delivered."""

    notification_id: str
    kind: str
    channel: str
    reason: str


@command("notification.send.v1")
class Send:
    """Tell a customer something.

    ``subject_id`` is whom the data is about (a user, or for guests the order): erasure finds it by that.
    ``contact`` holds ``email``, ``phone`` and ``language``; ``data`` what the message's template says besides.
    ``secrets`` are more of that, which only the message may show (a one-time code, a link that logs in): confided by
    the sender, so nobody can read them on the way. One ``cause`` and ``kind``, one notification.
    """

    cause: str
    kind: str
    subject_id: str
    customer_id: str | None
    contact: dict[str, Personal[str | None]]
    data: dict[str, Personal[object]]
    secrets: dict[str, str] | None = None
