"""What the notification service does outside its database: mails and SMS leave, and an erased customer's files go.

A message is sent at least once: between the server's yes and the note that it was said, a process may die, and it goes
again. A mail's Message-ID is then the same, which is what receivers tell doubles by; Africa's Talking knows no such id.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from chassis.calls import Asked, Calls, Handler
from chassis.confiding import NotConfided, confided
from chassis.decider import Call, Send
from chassis.outcome import Outcome
from chassis.rows import Keep, Put
from chassis.service import Service
from chassis.together import Together

from notification import erasure
from notification.domain import ADMIN, EMAIL, SMS, Left, Notification, Status
from notification.kinds import ABANDONED_CART
from notification.mail import NoAddress, Refused, composed, hand_over
from notification.providers import provider_for
from notification.providers.port import Provider, addressed
from notification.rendering import UnknownKind, spoken_in, text, write
from notification.settings import Settings
from notification.tables import notifications
from notification.texts import TEXTS
from notification.topics import chosen_from
from notification.unsubscribing import Unsubscribing

log = logging.getLogger(__name__)

TRIES = 30
"""With delays that grow to five minutes this is about two hours."""

OVER_A_NET, TO_A_FILE = timedelta(seconds=60), timedelta(seconds=10)
"""How long a message may take. One that died with its process goes again after that: no longer than its way needs."""

WANTED = "select wanted from preferences where customer_id = $1 and topic = 'abandoned_cart' and channel = 'email'"
WAITING = """
select asked.id, topic, preferences.channel, wanted
from (select id, status, coalesce(customer_id, subject_id) as who
      from notifications where id = any($1::text[]) offset 0) asked
left join preferences on preferences.customer_id = who
where asked.status = 'queued'
"""  # by their ids: "offset 0" leaves no other index to choose. With each, what has been chosen about it


def queued(
    notification: Notification,
    contact: Mapping[str, Any],
    data: Mapping[str, Any],
    secrets: Mapping[str, str] | None = None,
) -> Iterable[Outcome]:
    """One notification: where there is one of its cause, kind and channel already, its row stays, and the call finds
    that.

    The call is asked with everything, so that nothing of it is kept elsewhere; secrets stay confided.
    """
    request = {"notification": notification.row(), "contact": dict(contact), "data": dict(data)}
    if secrets:
        request["secrets"] = dict(secrets)
    return [Keep(notifications, notification.row()), handing_over(notification, request)]


def handing_over(notification: Notification, request: Mapping[str, Any]) -> Call:
    """It shall leave, by its channel."""
    return Call("sms" if notification.channel == SMS else "mail", key=notification.id, request=request)


def channel_for(kind: str, contact: Mapping[str, Any]) -> str:
    """By mail; by SMS to whoever has only a phone, as far as it can be said there. See ``beside`` for both."""
    return SMS if kind in TEXTS and contact.get("phone") and not contact.get("email") else EMAIL


def notification_in(request: Mapping[str, Any]) -> Notification:
    """Back from the request's JSON."""
    row = request["notification"]
    return Notification.of({**row, "created_at": datetime.fromisoformat(row["created_at"])})


def ended(notification: Notification) -> Iterable[Outcome]:
    """The row as it is now, and the event that says so."""
    return [
        Put(notifications, notification.row()),
        Send(notification.fact(), subject=notification.id, sequence=notification.sequence),
    ]


def gave_up(asked: Asked) -> Iterable[Outcome]:
    return ended(notification_in(asked.request).failed("gave-up"))


Way = Callable[[Settings, Notification, Mapping[str, Any]], Awaitable[Left]]
"""Writes a message and hands it over."""


async def by_mail(settings: Settings, notification: Notification, request: Mapping[str, Any]) -> Left:
    contact = request["contact"]
    to = (settings.admin if notification.subject_id == ADMIN else contact.get("email")) or ""
    secrets = opened(settings, request.get("secrets") or {})
    link, topic = None, chosen_from(notification.kind)
    if topic:
        language = spoken_in(contact.get("language")).code
        link = Unsubscribing(notification.who, topic, EMAIL, language).link(settings)
    written = write(notification.kind, request["data"], secrets, contact.get("language"), link)
    made = composed(settings, notification.id, written, to, notification.created_at, link)
    await hand_over(settings, made, f"{file_name(notification)}.eml")
    return Left(to, written.title)


async def by_sms(
    provider: Provider, settings: Settings, notification: Notification, request: Mapping[str, Any]
) -> Left:
    contact = request["contact"]
    to = contact.get("phone") or ""
    secrets = opened(settings, request.get("secrets") or {})
    title, said = text(notification.kind, request["data"], secrets, contact.get("language"))
    message = addressed(notification.id, to, said, notification.created_at)
    return Left(to, title, await provider.send(message, file_name(notification)))


def telling(way: Way) -> Handler:
    """One message. Of two wishes for the same notification only the first has its row, and only that one is sent."""

    async def tell(asked: Asked, service: Service) -> Iterable[Outcome]:
        settings, notification = service.settings, notification_in(asked.request)
        assert isinstance(settings, Settings)
        waits: Together = service.app.state.waits
        rows = await waits(notification.id)
        if not rows:
            return []
        chosen = {row["channel"]: row["wanted"] for row in rows if row["topic"] == chosen_from(notification.kind)}
        if chosen.get(SMS) and notification.channel == EMAIL and _goes_by_both(notification, asked.request):
            return beside(service, notification, asked.request)
        if chosen.get(notification.channel) is False:
            return [Put(notifications, replace(notification, status=Status.UNWANTED).row())]
        try:
            left = await way(settings, notification, asked.request)
        except UnknownKind:
            return ended(notification.failed("unknown-kind"))
        except NotConfided:
            return ended(notification.failed("not-confided"))
        except NoAddress:
            return ended(notification.failed("no-address"))
        except Refused as refused:
            log.warning("a message was refused", extra={"notification_id": notification.id, "code": str(refused)})
            return ended(notification.failed("refused"))
        return ended(notification.sent(asked.now, left))

    return tell


def _goes_by_both(notification: Notification, request: Mapping[str, Any]) -> bool:
    return notification.kind in TEXTS and bool(request["contact"].get("phone")) and not request.get("beside")


def beside(service: Service, notification: Notification, request: Mapping[str, Any]) -> Iterable[Outcome]:
    """An SMS beside a mail, for whoever asked for that: two calls, so that neither waits for the other's server."""
    contact, data = request["contact"], request["data"]
    sms = replace(notification, id=service.world.ids(), channel=SMS)
    return [*queued(sms, contact, data), handing_over(notification, {**request, "beside": True})]


def opened(settings: Settings, secrets: Mapping[str, str]) -> dict[str, str]:
    """What only the message may say. Raises NotConfided."""
    said = {name: confided(settings.soko_internal_key, told) for name, told in secrets.items()}
    if "token" in said and settings.password_reset_url:
        said["link"] = settings.reset_link(said["token"])
    return said


async def remind(asked: Asked, service: Service) -> Iterable[Outcome]:
    """Of a cart that was left, whoever asked to be. While identity is away it is tried again, and then let be."""
    customer_id = asked.request["customer_id"]
    if not await service.database.pool.fetchval(WANTED, customer_id):
        return []
    answer = await service.world.peers.get("identity", f"/internal/v1/users/{customer_id}/contact")
    if answer.status == 404:
        return []
    if not answer.ok:
        raise answer.problem()
    contact = {name: answer.json()[name] for name in ("email", "phone", "language")}
    cart_id, id_ = asked.request["cart_id"], asked.request["id"]
    notification = Notification(id_, cart_id, ABANDONED_CART, customer_id, customer_id, asked.now)
    return queued(notification, contact, {"lines": asked.request["lines"]})


def file_name(notification: Notification) -> str:
    """Names that sort by time; the id at the end finds it again."""
    return f"{notification.created_at:%Y%m%dT%H%M%S%f}-{notification.kind}-{notification.id}"


async def erase(asked: Asked, service: Service) -> Iterable[Outcome]:
    """Everything that still says something about a person goes; what is left counts and dates."""
    settings = service.settings
    assert isinstance(settings, Settings)
    await erasure.erase(
        service.database, (settings.mail_folder, settings.sms_folder), asked.request["subject_id"], asked.now
    )
    return []


def calls_by(settings: Settings) -> Calls:
    """All of them, mails on the way that the settings name."""
    calls = Calls()
    lease = OVER_A_NET if settings.smtp_url.get_secret_value() else TO_A_FILE
    calls.to("mail", lease=lease, tries=TRIES, gave_up=gave_up)(telling(by_mail))
    calls.to("sms", lease=OVER_A_NET, tries=TRIES, gave_up=gave_up)(telling(partial(by_sms, provider_for(settings))))
    calls.to("remind", gave_up=lambda asked: [])(remind)
    calls.to("erase")(erase)
    return calls
