"""The shop's API documents, made from its code and kept as files: the gateway serves them."""

import json
from pathlib import Path
from typing import Any

from chassis.http import Peers
from chassis.http.problems import exported
from chassis.servers import ServerFailed
from chassis.world import World
from gateway.documents import ASYNCAPI
from gateway.openapi import FILE as OPENAPI
from gateway.openapi import merge
from gateway.operators import operators
from gateway.routes import OPERATORS

from soko import asyncapi
from soko.services import SERVICES, load

VERSION = "0.1.0"


def openapi() -> dict[str, Any]:
    """One OpenAPI document of all services and of what operators ask them, with every kind of problem they answer."""
    documents = {}
    for name in SERVICES:
        kind = load(name)
        documents[name] = kind.build(kind.settings(), World()).app.openapi()
    documents[OPERATORS] = operators(Peers({}), SERVICES).openapi()
    return merge(documents, exported())


def write(file: Path, document: dict[str, Any]) -> bool:
    """Keep ``document`` in ``file``; false when it was there already."""
    text = _text(document)
    if file.exists() and file.read_text() == text:
        return False
    file.write_text(text)
    return True


def compare(file: Path, document: dict[str, Any], command: str) -> None:
    """Raises ``ServerFailed`` when ``file`` is not what the code says now."""
    if not file.exists() or file.read_text() != _text(document):
        raise ServerFailed(f"{file} is not what the code says: {command} writes it anew.")


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


FILES = {
    "openapi": (OPENAPI, openapi),
    "asyncapi": (ASYNCAPI, lambda: asyncapi.document(VERSION)),
}
"""Where each is kept, and what makes it."""
