"""What one service tells another and nobody may read on the way: one-time codes, links that log in.

AES-256-GCM under a key drawn from ``SOKO_INTERNAL_KEY``, which every service has and no database, queue or backup does.
So a code lies nowhere in clear between the service that made it and the message that is handed over.
"""

import base64
import hashlib
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

NONCE_BYTES: Final = 12


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


def _box(key: SecretStr) -> AESGCM:
    return AESGCM(hashlib.sha256(b"soko.confided:" + key.get_secret_value().encode()).digest())
