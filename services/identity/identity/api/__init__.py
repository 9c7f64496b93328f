"""Identity over HTTP."""

from identity.api import (
    addresses,
    audit,
    auth,
    internal,
    me,
    me_data,
    mfa,
    passwords,
    registration,
    roles,
    users,
    well_known,
)

ROUTERS = (
    auth.router,
    registration.router,
    passwords.router,
    me.router,
    me_data.router,
    mfa.router,
    addresses.router,
    users.router,
    roles.router,
    internal.router,
    well_known.router,
    audit.router,
)
