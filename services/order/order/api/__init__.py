"""HTTP: the checkout, orders and what becomes of them, and what the payment service passes on."""

from order.api.checkout import router as checkout
from order.api.internal import router as internal
from order.api.orders import router as orders
from order.api.quoting import router as quoting
from order.api.refunds import router as refunds
from order.api.shipments import router as shipments
from order.api.standing import router as standing
from order.api.story import router as story

routers = (checkout, quoting, orders, story, shipments, refunds, internal, standing)
