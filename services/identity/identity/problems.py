"""The ways identity says no, besides those every service shares."""

from chassis.http.problems import problem_type

INVALID_CREDENTIALS = problem_type(
    "invalid-credentials",
    401,
    "Wrong login",
    when="There is no such account, or the password is not its password, or the code of its second factor is wrong or"
    " was used before; the answer does not say which.",
    client="Ask the person again.",
    headers=("WWW-Authenticate",),
)
SECOND_FACTOR_REQUIRED = problem_type(
    "second-factor-required",
    401,
    "A code is needed too",
    when="The password is right, and the account has a second factor whose code was not sent.",
    client="Ask for the code of the authenticator app, or a recovery code, and send it as totp with the rest.",
    headers=("WWW-Authenticate",),
)
NOT_VERIFIED = problem_type(
    "not-verified",
    403,
    "Not verified yet",
    when="The password is right and the account's address has not been confirmed.",
    client="Confirm the address with the code that was sent, then log in.",
)
INVALID_CODE = problem_type(
    "invalid-code",
    422,
    "Not the code",
    when="The code is wrong, was used, expired or was tried five times, or nothing waits for a code there; the answer"
    " does not say which.",
    client="Ask the person again, or have another code sent.",
)
INVALID_RESET_TOKEN = problem_type(
    "invalid-reset-token",
    422,
    "Not a token for a new password",
    when="The token is unknown, was used, has expired, or the account has another address or password since.",
    client="Ask for another one.",
)
MFA_ENABLED = problem_type(
    "mfa-enabled",
    409,
    "There is a second factor already",
    when="The account has a second factor, and another one was to be set up.",
    client="Disable it first.",
)
MFA_NOT_ENABLED = problem_type(
    "mfa-not-enabled",
    409,
    "There is no second factor",
    when="The account has no second factor to disable or to have recovery codes for.",
    client="Set one up first.",
)
DEACTIVATED = problem_type(
    "account-deactivated",
    403,
    "Account deactivated",
    when="The password is right and an administrator has closed the account.",
    client="Contact the shop.",
)
TOO_MANY_ATTEMPTS = problem_type(
    "too-many-attempts",
    429,
    "Too many tries",
    when="Logins or codes failed so often for this account or from this network address that the next try has to wait;"
    " or a code was sent to this address a short while ago.",
    client="Wait as Retry-After says.",
    headers=("Retry-After",),
)
INVALID_REFRESH_TOKEN = problem_type(
    "invalid-refresh-token",
    401,
    "The session is over",
    when="The refresh token is unknown, expired, or was used before; when it was used before its whole session ends.",
    client="Log in again.",
    headers=("WWW-Authenticate",),
)
FOREIGN_ORIGIN = problem_type(
    "foreign-origin",
    403,
    "Not from this shop's pages",
    when="A route that reads or sets the refresh cookie was called from another site, or without its CSRF token.",
    client="Call it from the shop's own pages, with the cookie soko_csrf repeated in the header X-CSRF-Token.",
)
RIGHT_NOT_YOURS = problem_type(
    "right-not-yours",
    403,
    "Not yours to give",
    when="The role would give a right that whoever asks does not have; the detail names it.",
    client="Ask somebody who has it.",
)
PRESET_ROLE = problem_type(
    "preset-role",
    409,
    "A role that stays as it is",
    when="One of the roles that every shop has (customer, staff, admin) was to be changed or deleted.",
    client="Define another role.",
)
ROLE_IN_USE = problem_type(
    "role-in-use",
    409,
    "Somebody has this role",
    when="Accounts have the role that was to be deleted; the detail says how many.",
    client="Give them another role first: GET /api/v1/users?role= lists them.",
)
TOO_MANY_ROLES = problem_type(
    "too-many-roles",
    409,
    "Too many roles",
    when="The shop has as many roles of its own as it may.",
    client="Delete one first.",
)
LAST_ADMIN = problem_type(
    "last-admin",
    409,
    "The last administrator",
    when="The change would leave the shop without an active administrator.",
    client="Make another account an administrator first.",
)
LAST_LOGIN_NAME = problem_type(
    "last-login-name",
    409,
    "Nothing left to log in with",
    when="The change would leave the account without an e-mail address, a username or a confirmed phone number.",
    client="Set another one of them first.",
)
TOO_MANY_ADDRESSES = problem_type(
    "too-many-addresses",
    409,
    "Too many addresses",
    when="The account holds as many addresses as it may.",
    client="Delete one first.",
)
DEMO_DATA = problem_type(
    "demo-data",
    409,
    "No demo data here",
    when="Accounts with published passwords were asked for where SOKO_ENV is staging or production.",
    client="Create an administrator with a password of your own.",
)
