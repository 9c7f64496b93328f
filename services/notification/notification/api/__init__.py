"""What was told to whom, the public feed, and the mails of a development shop."""

from notification.api import events, internal, notifications, preferences, reports, resend, unsubscribe

routers = (
    notifications.router,
    resend.router,
    preferences.router,
    unsubscribe.router,
    reports.router,
    events.router,
    internal.router,
)
