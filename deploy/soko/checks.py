"""What a shop with real customers must not be started with (``soko check --deploy``)."""

import asyncio
import os
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from chassis.servers import ServerFailed

from soko.services import CARDSIM, GATEWAY, SERVICES, load, variable
from soko.settings import ShopSettings

KEY_LENGTH = 32
PUBLISHED = {"soko-demo-2026", "changeme", "secret", "guest"}


def refuse(settings: ShopSettings) -> None:
    """Raises ``ServerFailed`` when this is a shop for real customers, or a rehearsal of one, that must not open so."""
    if settings.strict and (found := deploy_problems(settings)):
        raise ServerFailed("\n".join(found))


def read_all() -> None:
    """Read the settings of every part. Raises pydantic's ``ValidationError`` where one breaks a rule."""
    for name in (*SERVICES, GATEWAY):
        load(name).settings()


def media_problems() -> list[str]:
    """One line where MEDIA_URL leads to a store that keeps no pictures; found out by trying."""
    settings: Any = load("catalog").settings()
    address = settings.media_url.get_secret_value()
    if not address:
        return []
    missing = asyncio.run(import_module("catalog.picture_files").Pictures(settings).missing())
    return [f"MEDIA_URL: {address} keeps no pictures: {missing}"] if missing else []


def deploy_problems(settings: ShopSettings) -> list[str]:
    """One line for each setting that staging and production refuse; empty when all is well."""
    return [*_needed(settings), *_refused(settings)]


def deploy_advice() -> list[str]:
    """One line for each setting without which a shop for real customers opens all the same."""
    if os.environ.get("REDIS_URL"):
        return []
    return ["REDIS_URL is not set: where several gateways run, each counts rate limits for itself."]


def _needed(settings: ShopSettings) -> list[str]:
    found = []
    key = settings.soko_internal_key.get_secret_value()
    if len(key) < KEY_LENGTH or len(set(key)) < KEY_LENGTH // 4:
        found.append(f"SOKO_INTERNAL_KEY must be {KEY_LENGTH} characters of chance or more: openssl rand -base64 32.")
    address = urlsplit(settings.public_url)
    if not address.hostname:
        found.append("PUBLIC_URL is missing: where customers reach the shop, https://shop.example.")
    elif address.scheme != "https":
        found.append("PUBLIC_URL must be https: customers sign in and pay there.")
    if not settings.database_url:
        alone = [name for name in SERVICES if not os.environ.get(variable(name, "DATABASE_URL"))]
        if alone:
            named = ", ".join(variable(name, "DATABASE_URL") for name in alone)
            found.append(f"The embedded PostgreSQL is for development: set DATABASE_URL, or {named}.")
    return found


def _refused(settings: ShopSettings) -> list[str]:
    found = []
    if settings.soko_env not in ("staging", "production"):
        found.append(f"SOKO_ENV is {settings.soko_env}: set staging or production.")
    if settings.soko_faults:
        found.append("SOKO_FAULTS kills processes, for tests: unset it.")
    if os.environ.get(variable(CARDSIM, "URL")):
        found.append("CARDSIM_URL: the simulated card gateway takes no real money: unset it.")
    if os.environ.get("SOKO_RATE_LIMITS", "").lower() == "off":
        found.append("SOKO_RATE_LIMITS=off is for benchmarks: unset it.")
    for name, value in sorted(os.environ.items()):
        if name.endswith(("_SECRET", "_PASSWORD", "_KEY")) and value.lower() in PUBLISHED:
            found.append(f"{name} is a published default: set a secret of your own.")
    databases = (variable(service, "DATABASE_URL") for service in SERVICES)
    found.extend(
        f"The password in {name} is a published default: set one of your own."
        for name in ("DATABASE_URL", "RABBITMQ_URL", "REDIS_URL", *databases)
        if urlsplit(os.environ.get(name, "")).password in PUBLISHED
    )
    return found
