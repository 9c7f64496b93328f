"""The service with the parts that only identity has."""

from collections.abc import Iterable, Sequence
from typing import Any

from chassis.context import Context
from chassis.http import Verifier
from chassis.jobs import Job
from chassis.service import Service
from chassis.world import World
from fastapi import APIRouter

from identity import revocations, tokens
from identity.audit_chain import number_once
from identity.keys import SigningKeys
from identity.outside.provider import Providers
from identity.passwords import Passwords
from identity.settings import IdentitySettings
from identity.tables import metadata


class Identity(Service):
    """Asks nobody else who may do what: keys and revocations are its own."""

    settings: IdentitySettings

    def __init__(
        self, settings: IdentitySettings, world: World, *, routers: Iterable[APIRouter], jobs: Sequence[Job]
    ) -> None:
        outside = Providers(settings.oidc_providers, settings.public_url, world.clock)
        super().__init__(
            "identity",
            settings,
            world,
            tables=metadata,
            migrations="identity.migrations",
            routers=routers,
            jobs=jobs,
            extra=(number_once,),
            closes=(outside.asker.close,),
        )
        self.outside = outside
        self.passwords = Passwords(settings.password_threads)
        self.signing = SigningKeys(lambda: self.database.pool, self.world.clock, settings.access_token_life)

        # What was given to clients, also what only says who somebody is and opens nothing in the shop.
        self.given = Verifier(self.authentication.verifier.keys, self.world.clock, audience=tokens.PROVIDER)

    def begins(self) -> Context:
        """The context of what begins here, not with a request."""
        id_ = self.world.ids()
        return Context(id_, id_, id_)

    async def open_database(self) -> None:
        """As every service does, and see that there is a key to sign with."""
        await super().open_database()
        await self.signing.ensure()

    async def _jwks(self) -> Any:
        return await self.signing.jwks()

    async def _revoked(self, after: int) -> Any:
        return await revocations.after(self.database.pool, after)
