"""What was told to whom, the public feed, and the mails of a development shop."""

from notification.api import events, internal, notifications

routers = (notifications.router, events.router, internal.router)
