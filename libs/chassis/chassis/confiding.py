"""What one service tells another and nobody may read on the way, one-time codes say; and what may be read by anybody
but made by nobody else, links that do one thing.

AES-256-GCM, and HMAC-SHA256, under keys drawn from ``SOKO_INTERNAL_KEY``, which every service has and no database,
queue or backup does. So a code lies nowhere in clear between the service that made it and the message that is handed
over.
"""

import base64
import hashlib
import hmac
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

NONCE_BYTES: Final = 12
MARK_BYTES: Final = 16


class NotConfided(Exception):
    """It was not made with this shop's ``SOKO_INTERNAL_KEY``."""


def confide(key: SecretStr, text: str) -> str:
    """``text`` as only this shop's services can read it; a different one each time."""
    nonce = os.urandom(NONCE_BYTES)
    return base64.urlsafe_b64encode(nonce + _box(key).encrypt(nonce, text.encode(), None)).decode()


def confided(key: SecretStr, told: str) -> str:
    """What ``confide`` was given. Raises NotConfided."""
    try:
        box = base64.urlsafe_b64decode(told)
        return _box(key).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], None).decode()
    except (ValueError, InvalidTag):
        raise NotConfided from None


def signed(key: SecretStr, purpose: str, text: str) -> str:
    """``text`` in a form for URLs, always the same, that only this shop can have made for this ``purpose``."""
    return f"{_plain(text.encode())}.{_plain(_mark(key, purpose, text))}"


def verified(key: SecretStr, purpose: str, token: str) -> str:
    """What ``signed`` was given. Raises NotConfided."""
    told, _, mark = token.partition(".")
    try:
        text = base64.urlsafe_b64decode(told + "=" * (-len(told) % 4)).decode()
    except ValueError:
        raise NotConfided from None
    if not hmac.compare_digest(_plain(_mark(key, purpose, text)).encode(), mark.encode(errors="replace")):
        raise NotConfided
    return text


def _mark(key: SecretStr, purpose: str, text: str) -> bytes:
    own = hashlib.sha256(b"soko.signed:" + key.get_secret_value().encode()).digest()
    return hmac.digest(own, f"{purpose}\n{text}".encode(), "sha256")[:MARK_BYTES]


def _plain(told: bytes) -> str:
    return base64.urlsafe_b64encode(told).decode().rstrip("=")


def _box(key: SecretStr) -> AESGCM:
    return AESGCM(hashlib.sha256(b"soko.confided:" + key.get_secret_value().encode()).digest())
