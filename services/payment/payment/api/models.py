"""What comes in and goes out."""

from datetime import datetime
from typing import Annotated, Any, Literal

from chassis.http import Answer, Body, Money
from fastapi import Path
from pydantic import ConfigDict, Field, StringConstraints

ONE_LINE = r"^[^\x00-\x1f\x7f]*$"

PaymentId = Annotated[str, Path(max_length=64, description="The payment's id.")]
Method = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,32}$")]
OrderId = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=ONE_LINE)]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")]
Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]
Status = Literal[
    "processing",
    "requires_action",
    "authorised",
    "captured",
    "partially_refunded",
    "refunded",
    "refund_failed",
    "failed",
    "voided",
]


def example(**values: Any) -> ConfigDict:
    """A model's configuration that shows it with these values in the API's documents."""
    return ConfigDict(json_schema_extra={"examples": [values]})


class MethodAnswer(Answer):
    """One way to pay; ``fields`` is what has to come with it."""

    model_config = example(method="card", provider="cardsim", fields=["token"])

    method: str
    provider: str
    fields: tuple[str, ...]


class MethodsAnswer(Answer):
    """Every way to pay that this shop offers."""

    items: list[MethodAnswer]


class PayBody(Body):
    """With ``order_id``: pay that order, all of it. Without, staff name ``amount`` and ``reference``."""

    model_config = example(order_id="0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6", method="card", token="tok_success")  # noqa: S106

    method: Method
    order_id: OrderId | None = None
    amount: Money | None = None
    reference: Words | None = None
    token: Secret | None = Field(None, description="The card's token, from the provider's form.", repr=False)
    phone: Phone | None = Field(None, description="The paying phone, in international form.", repr=False)


class MarkPaidBody(Body):
    """``reference`` is the receipt, or the bank's line."""

    model_config = example(reference="R-1017")

    reference: Words


class RefundAnswer(Answer):
    """Money that goes back."""

    model_config = example(id="r-1", amount={"amount": "100.00", "currency": "KES"}, status="succeeded", reason=None)

    id: str
    amount: Money
    status: Literal["pending", "succeeded", "failed"]
    reason: str | None


class NextActionAnswer(Answer):
    """What the payer has to do: ``redirect`` with ``url``, ``client_secret`` with ``value``, ``confirm_on_phone``."""

    model_config = ConfigDict(
        extra="allow", json_schema_extra={"examples": [{"type": "redirect", "url": "https://bank.example/3ds/1"}]}
    )

    type: str


class PaymentAnswer(Answer):
    """One attempt to be paid. ``next_action`` is shown to the payer alone."""

    model_config = example(
        id="0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e7",
        order_id="0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e6",
        number="SO-1017",
        method="card",
        status="captured",
        amount={"amount": "1250.00", "currency": "KES"},
        captured={"amount": "1250.00", "currency": "KES"},
        refunded={"amount": "0.00", "currency": "KES"},
        reason=None,
        reference=None,
        receipt=None,
        refunds=[],
        next_action=None,
        created_at="2026-01-05T12:00:00Z",
        updated_at="2026-01-05T12:00:01Z",
    )

    id: str
    order_id: str | None
    number: str | None
    method: str
    status: Status
    amount: Money
    captured: Money
    refunded: Money
    reason: str | None
    reference: str | None
    receipt: str | None
    refunds: list[RefundAnswer] | None = None
    next_action: NextActionAnswer | None = None
    created_at: datetime
    updated_at: datetime


class NextActionsAnswer(Answer):
    """For the order, to show its owner."""

    next_action: NextActionAnswer | None


class ReceivedAnswer(Answer):
    """How many of the delivery's events are kept: all of them."""

    model_config = example(received=2)

    received: int


class LineAnswer(Answer):
    """One movement of money that stands in one ledger only."""

    payment_id: str
    kind: Literal["capture", "void", "refund"]
    refund_id: str | None
    amount: Money
    at: datetime


class DifferenceAnswer(Answer):
    """One movement that both ledgers have, with different amounts."""

    payment_id: str
    kind: Literal["capture", "void", "refund"]
    refund_id: str | None
    here: Money
    at_provider: Money


class ProviderReconciliation(Answer):
    """One provider's ledger against ours. ``matched`` counts movements that stand in both."""

    provider: str
    matched: int
    only_here: list[LineAnswer]
    only_at_provider: list[LineAnswer]
    different: list[DifferenceAnswer]


class ReconciliationAnswer(Answer):
    """``open``: payments whose outcome has not been known for an hour or longer, a hundred at most."""

    model_config = example(
        after="2026-01-05T00:00:00Z",
        before="2026-01-06T00:00:00Z",
        providers=[
            {
                "provider": "cardsim",
                "matched": 41,
                "only_here": [],
                "only_at_provider": [],
                "different": [
                    {
                        "payment_id": "0198c0de-5f7e-7cc4-b1d8-f1a2b3c4d5e7",
                        "kind": "capture",
                        "refund_id": None,
                        "here": {"amount": "1250.00", "currency": "KES"},
                        "at_provider": {"amount": "1200.00", "currency": "KES"},
                    }
                ],
            }
        ],
        open=[],
    )

    after: datetime
    before: datetime
    providers: list[ProviderReconciliation]
    open: list[str]
