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
    mfa,
    oauth,
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
    authorize.router,
    oauth.router,
    clients.router,
    consents.router,
)
