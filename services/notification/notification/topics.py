"""What kinds of message are about, as customers choose among them; and what comes whatever they choose."""

from collections.abc import Mapping
from typing import Final

from notification import accounts
from notification.domain import EMAIL, SMS
from notification.kinds import ABANDONED_CART, FOR_THE_ADMIN, SUBJECTS

ORDER_UPDATES: Final = "order_updates"
ACCOUNT: Final = "account"
"""Codes, tokens and whatever its owner should know of an account: required, by the address that it concerns."""

TOPIC_OF: Final[Mapping[str, str]] = {
    **dict.fromkeys(SUBJECTS.keys() - FOR_THE_ADMIN, ORDER_UPDATES),
    **dict.fromkeys(accounts.SUBJECTS, ACCOUNT),
    ABANDONED_CART: ABANDONED_CART,
}
"""By kind; those to the admin have none."""

DEFAULTS: Final[Mapping[tuple[str, str], bool | None]] = {
    (ORDER_UPDATES, EMAIL): True,
    (ORDER_UPDATES, SMS): None,
    (ABANDONED_CART, EMAIL): False,
}
"""All that can be chosen, and what counts before it is. None: by SMS to those alone who gave no mail address."""


def chosen_from(kind: str) -> str | None:
    """The topic by which a customer can do without this kind; None: it always goes."""
    topic = TOPIC_OF.get(kind)
    return None if topic == ACCOUNT else topic
