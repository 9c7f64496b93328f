"""Identity over HTTP."""

from identity.api import addresses, auth, internal, me, passwords, registration, users, well_known

ROUTERS = (
    auth.router,
    registration.router,
    passwords.router,
    me.router,
    addresses.router,
    users.router,
    internal.router,
    well_known.router,
)
