"""One outside provider: found by its issuer, asked for tokens, believed by its keys."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote_plus

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from chassis import urls
from chassis.http import Problem
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from identity.outside import claims
from identity.outside.asking import Asker, Away
from identity.outside.claims import Person, Said, Untrusted
from identity.outside.configured import Configured
from identity.outside.kept import AGAIN, Kept
from identity.problems import PROVIDER_AWAY, PROVIDER_REFUSED

log = logging.getLogger(__name__)

Endpoint = Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class Metadata(BaseModel):
    """What of a provider's own description is used here."""

    model_config = ConfigDict(frozen=True)

    issuer: str
    authorization_endpoint: Endpoint
    token_endpoint: Endpoint
    jwks_uri: Endpoint
    userinfo_endpoint: Endpoint | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False

    def endpoints(self) -> list[str]:
        """Where people and requests are sent."""
        asked = (self.authorization_endpoint, self.token_endpoint, self.jwks_uri, self.userinfo_endpoint)
        return [each for each in asked if each is not None]


class Provider:
    """A provider of the settings. What it says of itself is read when it is first needed, and again each hour."""

    def __init__(self, settings: Configured, public_url: str, asker: Asker, clock: Callable[[], datetime]) -> None:
        self.settings, self._asker, self._clock = settings, asker, clock
        self.callback = f"/api/v1/auth/providers/{settings.name}/callback"
        self._redirect_uri = public_url + self.callback
        self._described = Kept(self._discovered, clock, outlives=True)
        # A key that the provider has taken back must not go on signing: these do not outlive their hour.
        self._keys = Kept(self._published, clock, outlives=False)

    @property
    def name(self) -> str:
        """As it stands in paths."""
        return self.settings.name

    async def login_url(self, state: str, nonce: str, verifier: str) -> str:
        """Where somebody is sent to log in. Raises 503."""
        found: str = prepare_grant_uri(
            (await self._described.get()).authorization_endpoint,
            client_id=self.settings.client_id,
            response_type="code",
            redirect_uri=self._redirect_uri,
            scope=" ".join(self.settings.scopes),
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        return found

    async def check_issuer(self, said: str | None) -> None:
        """403 where another provider answered (RFC 9207)."""
        must = (await self._described.get()).authorization_response_iss_parameter_supported
        if said != self.settings.issuer if said is not None else must:
            raise self._untrusted("the answer's iss is another")

    async def who(self, code: str, verifier: str, nonce: str) -> Said:
        """Who logged in there, for the code that they brought. Raises 403 and 503."""
        tokens = await self._tokens(code, verifier)
        id_token, access_token = tokens.get("id_token"), tokens.get("access_token")
        if not isinstance(id_token, str):
            raise self._untrusted("no id_token")
        bound: dict[str, Any] = {
            "issuer": self.settings.issuer,
            "client_id": self.settings.client_id,
            "nonce": nonce,
            "access_token": access_token if isinstance(access_token, str) else None,
            "now": self._clock(),
        }
        try:
            try:
                return claims.checked(id_token, await self._keys.get(), **bound)
            except (InvalidKeyIdError, BadSignatureError):
                # Signed by a key that came since.
                return claims.checked(id_token, await self._keys.get(AGAIN), **bound)
        except (JoseError, Untrusted, ValueError) as error:
            raise self._untrusted(str(error)) from None

    async def person(self, said: Said) -> Person:
        """Their e-mail address and names, asked for where the token does not hold them. Raises 403 and 503."""
        endpoint = (await self._described.get()).userinfo_endpoint
        if "email" in said.claims or endpoint is None or said.access_token is None:
            return claims.person(said.claims)
        told = {"Authorization": f"Bearer {said.access_token}"}
        status, more = await self._ask("GET", endpoint, headers=told)
        if status != 200:
            raise self.away(f"userinfo answers {status}")
        if more.get("sub") != said.subject:
            raise self._untrusted("userinfo is about somebody else")
        return claims.person(more)

    async def _tokens(self, code: str, verifier: str) -> dict[str, Any]:
        described = await self._described.get()
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self._redirect_uri}
        form["code_verifier"] = verifier
        id_, secret = self.settings.client_id, self.settings.client_secret.get_secret_value()
        auth, methods = None, described.token_endpoint_auth_methods_supported
        if not secret:
            form["client_id"] = id_
        elif "client_secret_basic" not in methods and "client_secret_post" in methods:
            form |= {"client_id": id_, "client_secret": secret}
        else:
            auth = httpx.BasicAuth(quote_plus(id_), quote_plus(secret))  # RFC 6749, 2.3.1
        status, tokens = await self._ask("POST", described.token_endpoint, form=form, auth=auth)
        if status == 200:
            return tokens
        error = str(tokens.get("error"))[:64]
        if error == "invalid_grant":
            raise self._untrusted("the code is none of its own")
        raise self.away(f"tokens are refused with {status} {error}")

    async def _discovered(self) -> Metadata:
        url = self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
        status, found = await self._ask("GET", url)
        schemes = ("http", "https") if self.settings.plain else ("https",)
        try:
            described = Metadata.model_validate(found)
            for endpoint in described.endpoints():
                urls.url(endpoint, schemes, "https://accounts.provider.example")
        except ValidationError as error:
            raise self.away(f"its description lacks {[each['loc'] for each in error.errors()]}") from None
        except ValueError:
            raise self.away("its description leads elsewhere than to addresses of its kind") from None
        if status != 200 or described.issuer != self.settings.issuer:
            raise self.away(f"it answers {status} and says that it is {described.issuer[:100]}")
        return described

    async def _published(self) -> KeySet:
        _, found = await self._ask("GET", (await self._described.get()).jwks_uri)
        try:
            return KeySet.import_key_set({"keys": found["keys"]})
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise self.away(f"its keys are none: {type(error).__name__}") from None

    async def _ask(self, method: str, url: str, **more: Any) -> tuple[int, dict[str, Any]]:
        try:
            return await self._asker.json(method, url, **more)
        except Away as error:
            raise self.away(str(error)) from None

    def away(self, why: str) -> Problem:
        """503: it cannot say who somebody is now. ``why`` is for the log."""
        log.warning("provider %s: %s", self.name, why)
        detail = f"{self.settings.shown} does not answer as it should; try again later."
        return Problem(PROVIDER_AWAY, detail, headers={"Retry-After": "10"}, provider=self.name)

    def _untrusted(self, why: str) -> Problem:
        log.warning("provider %s: not believed: %s", self.name, why)
        return Problem(PROVIDER_REFUSED, provider=self.name)


class Providers(Mapping[str, Provider]):
    """All of them, by name."""

    def __init__(self, settings: tuple[Configured, ...], public_url: str, clock: Callable[[], datetime]) -> None:
        self.asker = Asker()
        self._known = {each.name: Provider(each, public_url, self.asker, clock) for each in settings}

    def __getitem__(self, name: str) -> Provider:
        return self._known[name]

    def __iter__(self) -> Any:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)
