"""A method that this shop does not offer: everything is denied, so every command is still answered."""

from payment.providers.port import Attempt, Denied, Heard


class Unavailable:
    """Stands where a provider would."""

    name = "unavailable"
    keyed = True

    async def authorise(self, attempt: Attempt, key: str) -> Heard:
        """Nobody to ask."""
        raise Denied("method_unavailable")

    async def capture(self, attempt: Attempt, amount: int, receipt: str | None, key: str) -> Heard:
        """Nobody to ask: set the provider up again to take what it holds."""
        raise ConnectionError("the method is not offered")

    async def void(self, attempt: Attempt, key: str) -> Heard:
        """As capture."""
        raise ConnectionError("the method is not offered")

    async def refund(self, attempt: Attempt, refund_id: str, amount: int, key: str) -> Heard:
        """As capture."""
        raise ConnectionError("the method is not offered")

    async def ask(self, attempt: Attempt) -> Heard:
        """As capture."""
        raise ConnectionError("the method is not offered")
