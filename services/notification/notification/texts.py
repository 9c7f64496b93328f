"""What is said by SMS, one line a kind: what is not here goes by mail alone."""

from typing import Final

TEXTS: Final[dict[str, str]] = {
    "verification_code": '{{ _("%(code)s is your Soko code. Give it to nobody.", code=code) }}',
    "password_reset": '{{ _("Choose a new Soko password with this: %(token)s", token=link or token) }}',
    "payment_requested": '{{ _("Soko: please pay %(amount)s for your order %(number)s within %(minutes)s minutes.", '
    "amount=total | money(currency), number=number, minutes=minutes) }}",
    "order_confirmed": '{{ _("Soko: your order %(number)s is confirmed.", number=number) }}',
    "order_shipped": '{{ _("Soko: your order %(number)s is on its way.", number=number) }}'
    '{% if tracking_number %} {{ _("Parcel: %(parcel)s", parcel=tracking_number) }}{% endif %}',
    "order_delivered": '{{ _("Soko: your order %(number)s has arrived.", number=number) }}',
    "order_cancelled": '{{ _("Soko: your order %(number)s was cancelled. What you paid goes back to you.", '
    "number=number) }}",
    "order_refunded": '{{ _("Soko: we have sent %(amount)s back to you for your order %(number)s.", '
    "amount=amount | money(currency), number=number) }}",
}
