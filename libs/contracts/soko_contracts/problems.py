"""Kinds of problems (RFC 9457), and those of the order that paying and what staff do by hand pass on.

Here they stand once: a service that passes another's no on says it in its words.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One kind of problem, shown by ``GET /problems/{slug}``.

    ``when`` says when it is answered, ``client`` what the client does about it, ``headers`` name what comes with it.
    """

    slug: str
    status: int
    title: str
    when: str
    client: str
    headers: tuple[str, ...] = ()

    @property
    def uri(self) -> str:
        """The ``type`` member of its documents."""
        return f"/problems/{self.slug}"


PAYMENT_FAILED: Final = ProblemType(
    "payment-failed",
    402,
    "The payment failed",
    when="The attempt to pay came to nothing; order says whether it still awaits payment, and until when.",
    client="Pay again, in another way, while the order awaits payment.",
)
NOT_PAYABLE: Final = ProblemType(
    "not-payable",
    409,
    "Nothing is to be paid",
    when="The order does not await payment: it is paid, cancelled, its time is over, or its stock is not held yet.",
    client="Read the order; its status says why.",
)
PAYMENT_IN_PROGRESS: Final = ProblemType(
    "payment-in-progress",
    409,
    "A payment is under way",
    when="An attempt to pay has begun and has not ended.",
    client="Wait for its end, or do what next_action asks for.",
)
NOTHING_TO_CAPTURE: Final = ProblemType(
    "nothing-to-capture",
    409,
    "Nothing to capture",
    when="No payment of the order is promised and waits to be captured.",
    client="Read the order; cash on delivery is marked paid instead.",
)
NOTHING_TO_VOID: Final = ProblemType(
    "nothing-to-void",
    409,
    "Nothing to void",
    when="The order waits for no such payment.",
    client="Cancel a confirmed order instead.",
)
