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


def _coupon(slug: str, title: str, when: str, client: str) -> ProblemType:
    return ProblemType(f"coupon-{slug}", 409, title, when=when, client=client)


COUPON_UNKNOWN: Final = _coupon(
    "unknown",
    "There is no such coupon",
    "No coupon has this code, or it was withdrawn.",
    "Check the code; capital and small letters are the same.",
)
COUPON_NOT_STARTED: Final = _coupon(
    "not-started",
    "The coupon is not valid yet",
    "The coupon's time has not begun; starts_at says when it does.",
    "Try again then, or go without.",
)
COUPON_EXPIRED: Final = _coupon(
    "expired", "The coupon has expired", "The coupon's time is over; ends_at says since when.", "Go without it."
)
COUPON_BELOW_MINIMUM: Final = _coupon(
    "below-minimum",
    "The cart is worth too little for this coupon",
    "The cart's lines come to less than the coupon asks for; minimum says how much it asks for.",
    "Put more in the cart, or go without.",
)
COUPON_OUT_OF_SCOPE: Final = _coupon(
    "out-of-scope",
    "The coupon is for other things",
    "The coupon is for certain products or categories, and nothing in the cart is one of them.",
    "Put one of them in the cart, or go without.",
)
COUPON_USED_UP: Final = _coupon(
    "used-up",
    "The coupon is used up",
    "Others have used it as often as it may be used; a cancelled order gives its use back.",
    "Go without it.",
)
COUPON_ALREADY_USED: Final = _coupon(
    "already-used",
    "You have used this coupon",
    "The customer has used it as often as one customer may; a cancelled order gives its use back.",
    "Go without it.",
)
COUPON_NEEDS_ACCOUNT: Final = _coupon(
    "needs-account",
    "The coupon needs an account",
    "The coupon may be used only so often by each customer, and guests cannot be told apart.",
    "Sign in, and take the cart over.",
)
COUPONS: Final = (
    *(COUPON_UNKNOWN, COUPON_NOT_STARTED, COUPON_EXPIRED, COUPON_BELOW_MINIMUM),
    *(COUPON_OUT_OF_SCOPE, COUPON_USED_UP, COUPON_ALREADY_USED, COUPON_NEEDS_ACCOUNT),
)
"""Why a coupon does not apply: said by the cart, and by the order as it passes it on."""
