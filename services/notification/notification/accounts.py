"""What customers are told of their accounts: a subject line and a few paragraphs each, with no layout of their own."""

from typing import Final

IF_NOT_YOU: Final = '{{ _("If that was not you, choose a new password now: it ends all other sessions.") }}'
IF_NOT_YOU_TELL: Final = '{{ _("If that was not you, tell us at once.") }}'

PARAGRAPHS: Final[dict[str, tuple[str, ...]]] = {
    "welcome": (
        '{% if first_name %}{{ _("Hello %(name)s, your account is ready.", name=first_name) }}'
        '{% else %}{{ _("Your account is ready.") }}{% endif %}',
        '{{ _("From now on you can order, follow your parcels and keep your addresses with us.") }}',
    ),
    "verification_code": (
        '{{ _("Use this code to confirm that this address is yours:") }}',
        '{% if minutes %}{{ _("It is good for %(minutes)s minutes.", minutes=minutes) }} {% endif %}'
        '{{ _("Give it to nobody: we never ask for it.") }}',
        '{{ _("If you did not ask for it, you need not do anything.") }}',
    ),
    "account_exists": (
        '{{ _("Somebody wanted to open an account with this address, but you have one already.") }}',
        '{{ _("If that was you, log in, or choose a new password if you have forgotten yours.") }}',
        '{{ _("If it was not you, you need not do anything: nobody was told that you have an account.") }}',
    ),
    "password_reset": (
        '{{ _("You can choose a new password with this:") }}',
        '{% if minutes %}{{ _("It is good once, for %(minutes)s minutes.", minutes=minutes) }} {% endif %}'
        '{{ _("Give it to nobody.") }}',
        '{{ _("If you did not ask for it, you need not do anything: your password stays as it is.") }}',
    ),
    "password_changed": (
        '{{ _("The password of your account was changed, and all other sessions ended.") }}',
        IF_NOT_YOU,
    ),
    "address_changed": (
        '{{ _("Your account now has another address. This one is no longer used.") }}',
        IF_NOT_YOU_TELL,
    ),
    "mfa_enabled": (
        '{{ _("From now on logging in needs a code of your authenticator app, and all other sessions have ended.") }}',
        '{{ _("Keep your recovery codes in a safe place: each logs you in once when the app is lost.") }}',
        IF_NOT_YOU_TELL,
    ),
    "mfa_disabled": (
        '{{ _("Logging in no longer needs a code of your authenticator app: the password is enough.") }}',
        IF_NOT_YOU_TELL,
    ),
    "recovery_code_used": (
        '{{ _("A recovery code was used in place of a code of your authenticator app.") }}'
        '{% if left is defined %} {{ _("Codes left: %(left)s.", left=left) }}{% endif %}',
        IF_NOT_YOU,
    ),
    "session_reused": (
        '{{ _("A session of yours was used from two places, so we have ended it.") }}'
        '{% if device %} {{ _("The device: %(device)s.", device=device) }}{% endif %}'
        '{% if when %} {{ _("The time: %(when)s.", when=when | moment) }}{% endif %}',
        IF_NOT_YOU,
    ),
}
"""After the first paragraph comes the secret, where there is one."""

SUBJECTS: Final[dict[str, str]] = {
    "welcome": "Welcome to Soko",
    "verification_code": "Your code",
    "account_exists": "You already have an account",
    "password_reset": "Choose a new password",
    "password_changed": "Your password was changed",
    "address_changed": "The address of your account was changed",
    "mfa_enabled": "Logging in now needs a code",
    "mfa_disabled": "Logging in no longer needs a code",
    "recovery_code_used": "A recovery code of yours was used",
    "session_reused": "We have ended a session of yours",
}
"""No secret may stand in one: subject lines are kept, and shown on locked screens."""
