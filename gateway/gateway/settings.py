"""What the gateway is told from outside."""

import ipaddress
import re
from functools import cached_property
from typing import Final, Literal
from urllib.parse import urlsplit

from chassis import urls
from chassis.settings import WithRedis
from limits import parse
from pydantic import Field, field_validator

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

HOST: Final = re.compile(r"\*|(\*\.)?[\w.-]+|\[[0-9A-Fa-f:.]+\]")
DEVELOPERS_ORIGINS = "http://localhost:3000,http://localhost:5173"


class Settings(WithRedis):
    """The shared settings, and those of the shop's edge. Lists are comma-separated."""

    allowed_hosts: str = Field(
        "",
        description="Host names that requests may be for, `*.shop.example` for all below one. Empty: any in "
        "development and testing, else that of PUBLIC_URL.",
    )
    trusted_proxies: str = Field(
        "",
        description="Addresses or networks of the proxies in front: only from them are X-Forwarded-For and "
        "X-Forwarded-Proto believed.",
    )
    cors_origins: str | None = Field(
        None,
        description="Origins whose pages may use the API, `*` for all (then without cookies). Not set: "
        f"{DEVELOPERS_ORIGINS} in development, else none.",
    )
    soko_rate_limits: Literal["on", "off"] = Field("on", description="`off` for benchmarks.")
    rate_limit_user: str = Field("6000/minute", description="Requests of one user or client.")
    rate_limit_address: str = Field("3000/minute", description="Requests without a token from one address.")
    rate_limit_auth: str = Field("120/minute", description="Attempts to log in or register from one address.")

    @field_validator("rate_limit_user", "rate_limit_address", "rate_limit_auth")
    @classmethod
    def _a_limit(cls, value: str) -> str:
        parse(value)
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: str) -> str:
        for each in _listed(value):
            try:
                ipaddress.ip_network(each, strict=False)
            except ValueError:
                raise ValueError(f"must list addresses or networks such as 10.0.0.0/8, and {each!r} is none") from None
        return value

    @field_validator("allowed_hosts")
    @classmethod
    def _names(cls, value: str) -> str:
        for each in _listed(value):
            if not HOST.fullmatch(each):
                raise ValueError(f"must list names such as shop.example or *.shop.example, and {each!r} is none")
        return value

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: str | None) -> str | None:
        return value and urls.origins(value)

    @cached_property
    def proxies(self) -> tuple[Network, ...]:
        """The networks whose word about the client's address is taken."""
        return tuple(ipaddress.ip_network(each, strict=False) for each in _listed(self.trusted_proxies))

    @cached_property
    def hosts(self) -> frozenset[str]:
        """Lower-case names that may be asked for; empty: any."""
        if self.allowed_hosts:
            return frozenset(each.lower() for each in _listed(self.allowed_hosts))
        own = urlsplit(self.public_url).hostname
        return frozenset({own}) if self.strict and own else frozenset()

    @cached_property
    def origins(self) -> frozenset[str]:
        """Origins that may use the API from a browser."""
        default = DEVELOPERS_ORIGINS if self.development else ""
        return frozenset(_listed(default if self.cors_origins is None else self.cors_origins))

    @property
    def https(self) -> bool:
        """Whether customers come by HTTPS."""
        return self.public_url.startswith("https://")


def _listed(value: str) -> list[str]:
    return [each.strip() for each in value.split(",") if each.strip()]
