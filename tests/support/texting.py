"""A stand-in for whoever carries SMS: a real HTTP server that answers as Africa's Talking and a plain gateway do."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode

import httpx
import orjson
from pydantic import SecretStr

KEY = "a key"
FORM = "application/x-www-form-urlencoded"


class Provider(ThreadingHTTPServer):
    """Keeps what it was asked; ``codes`` are what becomes of the next messages, ``named`` the ids it gave out."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.codes: list[int] = []
        self.named: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    async def report(self, client: httpx.AsyncClient, path: str, status: str, id_: str = "", **more: str) -> Any:
        """A delivery report of its newest message, as Africa's Talking posts it to a shop's callback URL."""
        told = {"id": id_ or self.named[-1], "status": status, "phoneNumber": "+254700000001", "networkCode": "63902"}
        body = urlencode({**told, "retryCount": "0", **more})
        return await client.post(path, content=body, headers={"Content-Type": FORM})


class Asked(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        provider = self.server
        assert isinstance(provider, Provider)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        provider.asked.append((self.path, headers, body))
        code = provider.codes.pop(0) if provider.codes else 101
        if self.path == "/version1/messaging":
            self._say(*self._as_africas_talking(provider, headers, body, code))
        else:
            provider.named.append(f"plain-{len(provider.asked)}")
            self._say(201 if code == 101 else code, {"id": provider.named[-1]})

    def _as_africas_talking(
        self, provider: Provider, headers: dict[str, str], body: bytes, code: int
    ) -> tuple[int, Any]:
        """What its documentation asks for is asked for: the key, the form, one receiver in E.164."""
        form = parse_qs(body.decode(), strict_parsing=True)
        if headers.get("apikey") != KEY or headers.get("content-type") != FORM:
            return 401, {"message": "The supplied authentication is invalid"}
        if not {"username", "to", "message"} <= form.keys() or not form["to"][0].startswith("+"):
            return 400, {"message": "Request is missing required form field"}
        taken = code in (100, 101, 102)
        if taken:
            provider.named.append(f"ATXid_{len(provider.asked)}")
        told = {"statusCode": code, "number": form["to"][0], "cost": "KES 0.8000", "status": "said"}
        recipient = {**told, "messageId": provider.named[-1] if taken else "None"}
        return 201, {"SMSMessageData": {"Message": "Sent to 1/1", "Recipients": [recipient]}}

    def _say(self, status: int, answer: Any) -> None:
        said = orjson.dumps(answer)
        self.send_response(status)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *said: Any) -> None:
        """Tests are silent."""


@contextmanager
def carrying() -> Iterator[Provider]:
    """One that runs."""
    provider = Provider()
    thread = threading.Thread(target=provider.serve_forever)
    thread.start()
    yield provider
    provider.shutdown()
    thread.join()
    provider.server_close()


def africas_talking(provider: Provider) -> dict[str, Any]:
    """The settings of a shop whose SMS it carries."""
    return {
        "africastalking_username": "soko",
        "africastalking_api_key": SecretStr(KEY),
        "africastalking_sender": "SOKO",
        "africastalking_url": provider.url,
    }
