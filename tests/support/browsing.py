"""A person at the pages of the OpenID provider, without a browser: follows redirects, keeps cookies, fills in forms."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlsplit

import httpx


@dataclass
class Form:
    """A form: where it goes, what stands in it already, and its buttons."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        match tag:
            case "form":
                self.found.append(Form(said["action"]))
            case "input":
                self.found[-1].fields[said["name"]] = said.get("value", "")
            case "button":
                self.found[-1].buttons.append((said.get("name", ""), said.get("value", "")))


class Visitor:
    """One browser. ``page`` is what it shows; ``sent_to`` where the shop has sent it back to, if it has."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.page: httpx.Response
        self.sent_to: str | None = None

    @property
    def forms(self) -> list[Form]:
        reader = _Forms()
        reader.feed(self.page.text)
        return reader.found

    @property
    def said(self) -> dict[str, str]:
        """What the client is told by where it is sent back to."""
        assert self.sent_to is not None, f"{self.page.status_code} {self.page.text}"
        return dict(parse_qsl(urlsplit(self.sent_to).query))

    async def open(self, url: str) -> "Visitor":
        """Go there, and on to wherever that leads within the shop."""
        return await self._follow(await self.client.get(url))

    async def fill_in(self, number: int = 0, headers: dict[str, str] | None = None, **fields: str) -> "Visitor":
        """Send the form with these in it, as a page of the shop would."""
        form = self.forms[number]
        origin = str(self.client.base_url).rstrip("/")
        sent = headers if headers is not None else {"Origin": origin}
        return await self._follow(await self.client.post(form.action, data={**form.fields, **fields}, headers=sent))

    async def log_in(self, name: str, password: str) -> "Visitor":
        """On the page that asks for it."""
        return await self.fill_in(name=name, password=password)

    async def allow(self) -> "Visitor":
        """On the page that asks for it."""
        return await self.fill_in(decision="allow")

    async def _follow(self, answer: httpx.Response) -> "Visitor":
        shop = self.client.base_url.host
        self.sent_to = None
        while answer.is_redirect:
            target = answer.headers["location"]
            if urlsplit(target).netloc not in ("", shop):
                self.sent_to = target
                break
            answer = await self.client.get(target)
        self.page = answer
        return self
