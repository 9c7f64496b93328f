"""What customers want to be told of, and how."""

from typing import Annotated, Any, Final

from chassis.context import Context
from chassis.http import Answer, Body, Caller, Router, current_service, invalid, request_context, signed_in
from chassis.http.problems import pointer
from chassis.rows import Put, Remove
from chassis.service import Service
from fastapi import Depends
from pydantic import ConfigDict, Field, StrictBool

from notification.kinds import ABANDONED_CART
from notification.tables import preferences
from notification.topics import ACCOUNT, DEFAULTS, ORDER_UPDATES

router = Router(prefix="/api/v1", tags=["Notifications"])

MINE = "select topic, channel, wanted from preferences where customer_id = $1"
REQUIRED: Final = "Codes and what you should know of your account. They always come, by the address they concern."

Mail = Annotated[StrictBool | None, Field(description="By mail. Null: as before you chose.")]
Text = Annotated[StrictBool | None, Field(description="By SMS. Null: as before you chose, so only without an e-mail.")]


class ByMailOrSms(Body):
    """What is left out stays as it is."""

    email: Mail = None
    sms: Text = None


class ByMail(Body):
    """There is no SMS of these."""

    email: Mail = None


class PreferencesBody(Body):
    """What is left out stays as it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{ORDER_UPDATES: {"sms": True}}]})

    order_updates: ByMailOrSms = ByMailOrSms()
    abandoned_cart: ByMail = ByMail()
    account: ByMailOrSms = Field(ByMailOrSms(), description=f"Not to be chosen. {REQUIRED}")


class OrderUpdates(Answer):
    """``sms`` is null until it is chosen: SMS then go to those alone who gave no e-mail."""

    email: bool
    sms: bool | None
    required: bool = False


class AbandonedCart(Answer):
    """Off until it is asked for."""

    email: bool
    required: bool = False


class Account(Answer):
    """These always come, by the address that they concern."""

    required: bool = True


class PreferencesAnswer(Answer):
    """``order_updates``: all that becomes of your orders and their payments. ``abandoned_cart``: a mail about a cart
    that was left for a day. ``account``: codes, and what you should know of your account.
    """

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    ORDER_UPDATES: {"email": True, "sms": None, "required": False},
                    ABANDONED_CART: {"email": False, "required": False},
                    ACCOUNT: {"required": True},
                }
            ]
        },
    )

    order_updates: OrderUpdates
    abandoned_cart: AbandonedCart
    account: Account


@router.get(
    "/notifications/preferences",
    operation_id="get_notification_preferences",
    summary="What you want to be told of, and how",
)
async def get_notification_preferences(
    caller: Caller = Depends(signed_in), service: Service = Depends(current_service)
) -> PreferencesAnswer:
    """What is required always comes; the rest as you choose."""
    rows = await service.database.pool.fetch(MINE, caller.user_id)
    shown: dict[str, dict[str, bool | None]] = {}
    chosen = {(row["topic"], row["channel"]): row["wanted"] for row in rows}
    for (topic, channel), wanted in {**DEFAULTS, **chosen}.items():
        shown.setdefault(topic, {})[channel] = wanted
    return PreferencesAnswer(**shown, account=Account())


@router.patch(
    "/notifications/preferences",
    operation_id="change_notification_preferences",
    summary="Change what you want to be told of, and how",
)
async def change_notification_preferences(
    body: PreferencesBody,
    caller: Caller = Depends(signed_in),
    service: Service = Depends(current_service),
    context: Context = Depends(request_context),
) -> PreferencesAnswer:
    """From now on; what has left already is not called back."""
    changes: dict[str, dict[str, bool | None]] = body.model_dump(exclude_unset=True)
    if ACCOUNT in changes:
        raise invalid(pointer(ACCOUNT), "is required: codes and what you should know of your account always come")
    async with service.unit(context) as unit:
        for topic, channels in changes.items():
            for channel, wanted in channels.items():
                key: dict[str, Any] = {"customer_id": caller.user_id, "topic": topic, "channel": channel}
                if wanted is None:
                    unit.put(Remove(preferences, key))
                else:
                    unit.put(Put(preferences, {**key, "wanted": wanted, "updated_at": unit.now}))
    return await get_notification_preferences(caller, service)
