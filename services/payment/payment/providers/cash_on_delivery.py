"""Cash on delivery: the courier collects. Nobody outside is asked; people say what happened."""

from payment.domain.commands import Charge, ChargeRefund
from payment.providers.port import Attempt, Heard


class CashOnDelivery:
    """Always promises; captured, voided and refunded when someone says so."""

    name = "cash_on_delivery"
    keyed = True

    async def authorise(self, attempt: Attempt, key: str) -> Heard:
        """The promise to pay at the door."""
        return Heard(Charge("authorised"))

    async def capture(self, attempt: Attempt, amount: int, receipt: str | None, key: str) -> Heard:
        """The cash was collected."""
        return Heard(Charge("captured", captured=amount))

    async def void(self, attempt: Attempt, key: str) -> Heard:
        """Nothing will be collected."""
        return Heard(Charge("voided"))

    async def refund(self, attempt: Attempt, refund_id: str, amount: int, key: str) -> Heard:
        """Cash was handed back."""
        return Heard(
            Charge("captured", captured=attempt.amount, refunds=(ChargeRefund(refund_id, amount, "succeeded"),))
        )

    async def ask(self, attempt: Attempt) -> Heard:
        """Nobody knows but the people who said it here."""
        return Heard(Charge("pending"))
