"""HTTP: paying, what staff do by hand, webhooks, and what other services ask."""

from payment.api.internal import router as internal
from payment.api.paying import router as paying
from payment.api.reconciliation import router as reconciliation
from payment.api.staff import router as staff
from payment.api.webhooks import router as webhooks

# Fixed paths first: /payments/methods is not a payment called methods.
routers = (webhooks, reconciliation, paying, staff, internal)
