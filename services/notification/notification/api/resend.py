"""Sending once more what somebody says they never got.

What a message said is not kept. What an order said, the order's events say again, word for word and to the same
address: it is asked, and the notification leaves once more under its own Message-ID. Codes and tokens are never sent
again, and what nobody can say again is not: see ADR 31.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from chassis.context import Context
from chassis.decider import Call
from chassis.http import (
    NOT_FOUND,
    Caller,
    Problem,
    Router,
    current_service,
    idempotency,
    problem_type,
    problems,
    replayed,
    request_context,
    right,
)
from chassis.once import Once
from chassis.service import Service
from chassis.unit import driver
from fastapi import Depends, Path, Response

from notification.api.notifications import NotificationAnswer
from notification.calls import handing_over
from notification.domain import Notification, Status
from notification.topics import ACCOUNT, ORDER_UPDATES, TOPIC_OF

router = Router(prefix="/api/v1", tags=["Notifications"])

PAUSE: Final = timedelta(minutes=1)

NOT_RESENDABLE = problem_type(
    "not-resendable",
    409,
    "It cannot be sent again",
    when="It holds a code or a token, what it said is gone, its customer wants none, or it is still on its way.",
    client="Have the customer ask for a new code; else write to them.",
)
RESENT_JUST_NOW = problem_type(
    "resent-just-now",
    409,
    "It was sent again just now",
    when="A message is sent again once a minute at most.",
    client="Wait as Retry-After says, and ask whether it has arrived.",
    headers=("Retry-After",),
)

ONE = "select * from notifications where id = $1"
AGAIN = """
update notifications set status = 'queued', reason = null, resent_at = $2, provider_id = null,
       delivery = null, delivery_reason = null, reported_at = null
where id = $1 and status in ('sent', 'failed') and (resent_at is null or resent_at <= $3) returning *
"""


@router.post(
    "/notifications/{notification_id}/resend",
    operation_id="resend_notification",
    summary="Send a message about an order once more",
    status_code=202,
    responses=problems(NOT_FOUND, NOT_RESENDABLE, RESENT_JUST_NOW),
)
async def resend_notification(
    notification_id: Annotated[str, Path(max_length=64)],
    response: Response,
    caller: Caller = Depends(right("notifications:write")),
    once: Once | None = Depends(idempotency()),
    service: Service = Depends(current_service),
    context: Context = Depends(request_context),
) -> NotificationAnswer:
    """By the same channel, to the address that it went to, in the same words. Once a minute at most."""
    if await service.recall(once) is None:
        row = await _row(service, notification_id)
        _check(row, service.world.clock())
        said = await _said(service, row, context)
        async with service.unit(context, once and once.for_(notification_id)) as unit:
            if unit.replayed is None:
                unit.call(await _again(await driver(unit.sql), notification_id, said, unit.now))
        again = unit.replayed is not None
    else:
        again = True
    if again:
        replayed(response)
    return NotificationAnswer.model_validate(dict(await _row(service, notification_id)))


async def _row(service: Service, id_: str) -> Any:
    row = await service.database.pool.fetchrow(ONE, id_)
    if row is None:
        raise Problem(NOT_FOUND)
    return row


def _check(row: Any, now: datetime) -> None:
    topic = TOPIC_OF.get(row["kind"])
    if topic == ACCOUNT:
        raise Problem(NOT_RESENDABLE, "Codes and what concerns an account are not sent again: ask for a new code.")
    if topic != ORDER_UPDATES or row["reason"] == "erased":
        raise Problem(NOT_RESENDABLE, "Nobody can say again what it said.")
    if row["status"] not in (Status.SENT, Status.FAILED):
        raise Problem(NOT_RESENDABLE, f"It is {row['status']}.")
    if row["resent_at"] is not None and row["resent_at"] > now - PAUSE:
        seconds = int((row["resent_at"] + PAUSE - now).total_seconds()) + 1
        raise Problem(RESENT_JUST_NOW, headers={"Retry-After": str(seconds)})


async def _said(service: Service, row: Any, context: Context) -> dict[str, Any]:
    """Contact and data, as the order's events say them. The cause of what an order says first is its own id."""
    path = f"/internal/v1/orders/{row['order_id'] or row['cause']}/letters/{row['kind']}/{row['cause']}"
    answer = await service.world.peers.get("order", path, context=context)
    if answer.status == 404:
        raise Problem(NOT_RESENDABLE, "Nobody can say again what it said.")
    if not answer.ok:
        raise answer.problem()
    said: dict[str, Any] = answer.json()
    return said


async def _again(connection: Any, id_: str, said: dict[str, Any], now: datetime) -> Call:
    """Of two who ask at once the second finds it queued."""
    row = await connection.fetchrow(AGAIN, id_, now, now - PAUSE)
    if row is None:
        raise Problem(RESENT_JUST_NOW, headers={"Retry-After": str(int(PAUSE.total_seconds()))})
    notification = Notification.of(row)
    return handing_over(notification, {"notification": notification.row(), **said, "beside": True})
