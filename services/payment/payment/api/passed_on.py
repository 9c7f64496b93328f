"""The order's own problems, which paying and what staff do by hand pass on."""

from chassis.http import registered
from soko_contracts import problems

PAYMENT_FAILED = registered(problems.PAYMENT_FAILED)
NOT_PAYABLE = registered(problems.NOT_PAYABLE)
PAYMENT_IN_PROGRESS = registered(problems.PAYMENT_IN_PROGRESS)
NOTHING_TO_CAPTURE = registered(problems.NOTHING_TO_CAPTURE)
NOTHING_TO_VOID = registered(problems.NOTHING_TO_VOID)
