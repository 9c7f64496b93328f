"""What the notification service keeps about a customer, as they are shown it."""

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from chassis.exporting import Told

from notification.api.notifications import NotificationAnswer
from notification.tables import notifications, preferences


def _notifications(user_id: str) -> sa.Select[Any]:
    theirs = sa.select(notifications).where(notifications.c.customer_id == user_id)
    return theirs.order_by(notifications.c.created_at.desc(), notifications.c.id.desc())


def _notification(row: Mapping[str, Any]) -> Any:
    return NotificationAnswer.model_validate(dict(row))


def _preferences(user_id: str) -> sa.Select[Any]:
    shown = [column for column in preferences.c if column.name != "customer_id"]
    theirs = sa.select(*shown).where(preferences.c.customer_id == user_id)
    return theirs.order_by(preferences.c.topic, preferences.c.channel)


LISTS: Final = {"notifications": Told(_notifications, _notification), "preferences": Told(_preferences)}
