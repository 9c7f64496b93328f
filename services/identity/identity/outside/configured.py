"""An outside OpenID provider as the settings name it."""

import json
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from chassis import urls
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

FORM: Final = "a list of {name, issuer, client_id, client_secret or client_secret_file, title?, scopes?}"


class Configured(BaseModel):
    """One provider. Without a secret the shop is a public client there, held by PKCE alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")
    issuer: str = Field(max_length=500)
    client_id: str = Field(min_length=1, max_length=500)
    client_secret: SecretStr = SecretStr("")
    client_secret_file: Path | None = None
    title: str = Field("", max_length=100)
    scopes: tuple[str, ...] = ("openid", "email", "profile")

    @field_validator("issuer")
    @classmethod
    def _issuer(cls, value: str) -> str:
        example = "https://accounts.provider.example"
        if not urls.url(value, ("http", "https"), example) or set(value) & set("?#@"):
            raise ValueError(f"must be an address such as {example}, as the provider itself spells it")
        return value

    @field_validator("scopes")
    @classmethod
    def _scopes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in value:
            raise ValueError("must hold openid")
        return value

    @model_validator(mode="before")
    @classmethod
    def _secret(cls, given: Any) -> Any:
        """A secret in a file is read once, at the start."""
        file = given.get("client_secret_file") if isinstance(given, dict) else None
        if not file:
            return given
        if given.get("client_secret"):
            raise ValueError("has client_secret or client_secret_file, and not both")
        try:
            return {**given, "client_secret": Path(str(file)).read_text(encoding="utf-8").strip()}
        except OSError as error:
            raise ValueError(f"client_secret_file cannot be read: {error.strerror}") from None

    @property
    def shown(self) -> str:
        """What people call it."""
        return self.title or self.name.capitalize()

    @property
    def plain(self) -> bool:
        """Whether it is spoken to without TLS: for development."""
        return urlsplit(self.issuer).scheme == "http"


def read(given: Any) -> Any:
    """What the environment says, as data. Raises ``ValueError``."""
    if not isinstance(given, str):
        return given
    try:
        found = json.loads(given or "[]")
    except ValueError:
        raise ValueError(f"must be JSON: {FORM}") from None
    if not isinstance(found, list):
        raise ValueError(f"must be {FORM}")
    return found


def checked(providers: tuple[Configured, ...], *, public_url: str, strict: bool) -> None:
    """What holds for all of them together. Raises ``ValueError``."""
    names = [each.name for each in providers]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"OIDC_PROVIDERS names {', '.join(twice)} twice")
    if providers and not public_url:
        raise ValueError("OIDC_PROVIDERS needs PUBLIC_URL: providers send people back there")
    if strict and (plain := [each.name for each in providers if each.plain]):
        raise ValueError(f"OIDC_PROVIDERS: the issuer of {', '.join(plain)} must be https")
