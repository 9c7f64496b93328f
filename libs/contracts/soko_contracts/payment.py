"""What the payment service tells, and what it obeys. Amounts are minor units of ``currency``."""

from soko_contracts.registry import command, event
from soko_contracts.sealed import Personal


@event("payment.started.v1")
class Started:
    """An attempt to be paid has begun. ``order_id`` is null for a payment without an order."""

    payment_id: str
    order_id: str | None
    method: str
    amount: int
    currency: str


@event("payment.action_required.v1")
class ActionRequired:
    """The payer has to act (``redirect``, ``client_secret``, ``confirm_on_phone``); ask payment for how."""

    payment_id: str
    order_id: str | None
    action: str


@event("payment.authorised.v1")
class Authorised:
    """The money is promised. For cash on delivery this is the promise itself."""

    payment_id: str
    order_id: str | None
    method: str
    amount: int
    currency: str


@event("payment.captured.v1")
class Captured:
    """The money is here. ``amount`` is what this capture took."""

    payment_id: str
    order_id: str | None
    method: str
    amount: int
    currency: str


@event("payment.failed.v1")
class Failed:
    """The attempt is over and nothing is owed. ``reason`` is a code such as ``declined``."""

    payment_id: str
    order_id: str | None
    reason: str


@event("payment.voided.v1")
class Voided:
    """The promise was given back before any money came."""

    payment_id: str
    order_id: str | None


@event("payment.refunded.v1")
class Refunded:
    """``amount`` went back to the payer."""

    payment_id: str
    order_id: str | None
    refund_id: str
    amount: int
    currency: str


@event("payment.refund_failed.v1")
class RefundFailed:
    """``amount`` is owed to the payer: the provider would not return it. ``tries`` is the try that it refused."""

    payment_id: str
    order_id: str | None
    refund_id: str
    amount: int
    currency: str
    reason: str
    tries: int = 1


@command("payment.authorise.v1")
class Authorise:
    """Ask the payer's provider for ``amount``. Answered by authorised, captured, action_required or failed.

    ``token`` and ``phone`` are the attempt's own secrets; the receiver seals them under a key of the attempt.
    """

    payment_id: str
    order_id: str
    number: str
    customer_id: str | None
    method: str
    amount: int
    currency: str
    token: Personal[str] | None = None
    phone: Personal[str] | None = None


@command("payment.capture.v1")
class Capture:
    """Take what was authorised. Answered by captured or failed.

    ``reference`` is the receipt of money collected by hand.
    """

    payment_id: str
    order_id: str
    amount: int
    reference: str | None = None


@command("payment.void.v1")
class Void:
    """End the attempt without money. Before the attempt is known it leaves a tombstone.

    Answered by voided, failed (it was over already) or captured (too late: the order refunds).
    """

    payment_id: str
    order_id: str


@command("payment.refund.v1")
class Refund:
    """Give ``amount`` back. One ``refund_id``, one refund. Answered by refunded or refund_failed.

    A refund that failed is tried again when it is asked for with a higher ``tries``; the same again only repeats what
    came of it.
    """

    payment_id: str
    order_id: str
    refund_id: str
    amount: int
    tries: int = 1
