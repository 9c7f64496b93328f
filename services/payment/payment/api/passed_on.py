"""The order's own problems, which paying and what staff do by hand pass on.

Both services register them: in the same words, or a process that runs both does not start.
"""

from chassis.http import problem_type

PAYMENT_FAILED = problem_type(
    "payment-failed",
    402,
    "The payment failed",
    when="The attempt to pay came to nothing; order says whether it still awaits payment, and until when.",
    client="Pay again, in another way, while the order awaits payment.",
)
NOT_PAYABLE = problem_type(
    "not-payable",
    409,
    "Nothing is to be paid",
    when="The order does not await payment: it is paid, cancelled, its time is over, or its stock is not held yet.",
    client="Read the order; its status says why.",
)
PAYMENT_IN_PROGRESS = problem_type(
    "payment-in-progress",
    409,
    "A payment is under way",
    when="An attempt to pay has begun and has not ended.",
    client="Wait for its end, or do what next_action asks for.",
)
NOTHING_TO_CAPTURE = problem_type(
    "nothing-to-capture",
    409,
    "Nothing to capture",
    when="No payment of the order is promised and waits to be captured.",
    client="Read the order; cash on delivery is marked paid instead.",
)
NOTHING_TO_VOID = problem_type(
    "nothing-to-void",
    409,
    "Nothing to void",
    when="The order waits for no such payment.",
    client="Cancel a confirmed order instead.",
)
