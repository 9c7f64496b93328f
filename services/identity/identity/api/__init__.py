"""Identity over HTTP."""

from identity.api import (
    addresses,
    audit,
    auth,
    authorize,
    clients,
    consents,
    internal,
    me,
    me_data,
    oauth,
    passwords,
    registration,
    users,
    well_known,
)

ROUTERS = (
    auth.router,
    registration.router,
    passwords.router,
    me.router,
    me_data.router,
    addresses.router,
    users.router,
    internal.router,
    well_known.router,
    audit.router,
    authorize.router,
    oauth.router,
    clients.router,
    consents.router,
)
