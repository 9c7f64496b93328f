"""Identity over HTTP."""

from identity.api import (
    addresses,
    audit,
    auth,
    internal,
    linked,
    me,
    me_data,
    outside,
    passwords,
    registration,
    users,
    well_known,
)

ROUTERS = (
    auth.router,
    registration.router,
    passwords.router,
    outside.router,
    me.router,
    me_data.router,
    linked.router,
    addresses.router,
    users.router,
    internal.router,
    well_known.router,
    audit.router,
)
