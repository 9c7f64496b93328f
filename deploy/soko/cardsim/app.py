"""The gateway's HTTP: charges and the ledger for whoever has the key, and the page for payers."""

import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qs

import orjson
from babel.numbers import list_currencies
from chassis.database import AWAY
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route, Router

from soko.cardsim import page, rules
from soko.cardsim.book import Book, existing
from soko.cardsim.rules import Charge, NewCharge, Refusal
from soko.cardsim.settings import Settings

log = logging.getLogger(__name__)

MOVEMENTS = """
select id, charge_id, reference, kind, refund_id, amount, currency, key, at from ledger
where at >= $1 and at < $2 and id > $3 order by id limit $4
"""
MOST = 1000
LONGEST_BODY = 64 * 1024
CURRENCIES = frozenset(list_currencies())

Id = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]
Amount = Annotated[int, Field(strict=True, ge=1, le=10**15)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ChargeBody(_Body):
    """A charge to be made."""

    reference: Id
    amount: Amount
    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")]
    token: Annotated[str, StringConstraints(max_length=255)]
    description: Annotated[str, StringConstraints(max_length=200)] | None = None
    return_url: Annotated[str, StringConstraints(max_length=2000, pattern=r"^https?://[\x21-\x7e]+$")] | None = None


class CaptureBody(_Body):
    """Money to be taken."""

    amount: Amount


class VoidBody(_Body):
    """Nothing more to say."""


class RefundBody(_Body):
    """Money to go back."""

    refund_id: Id
    amount: Amount


B = TypeVar("B", bound=BaseModel)
Answering = Callable[[Request], Awaitable[Response]]


class Api:
    """The routes. ``ids`` names new charges."""

    def __init__(self, book: Book, settings: Settings, ids: Callable[[], str]) -> None:
        self._book, self._ids = book, ids
        self._key = settings.secret("api-key").encode()
        self._late, self._page = settings.cardsim_late_after, settings.page

    def app(self) -> Router:
        """The ASGI application: routes that answer their own refusals need no layers around them."""
        return Router(
            routes=[
                Route("/charges", self._guarded(self.create), methods=["POST"]),
                Route("/charges", self._guarded(self.find), methods=["GET"]),
                Route("/charges/{charge_id}/capture", self._guarded(self.capture), methods=["POST"]),
                Route("/charges/{charge_id}/void", self._guarded(self.void), methods=["POST"]),
                Route("/charges/{charge_id}/refund", self._guarded(self.refund), methods=["POST"]),
                Route("/movements", self._guarded(self.movements), methods=["GET"]),
                Route("/3ds/{charge_id}", _for_people(self.ask_payer), methods=["GET"]),
                Route("/3ds/{charge_id}", _for_people(self.payer_decides), methods=["POST"]),
                Route("/health/live", self.live, methods=["GET"]),
                Route("/health/ready", self.ready, methods=["GET"]),
            ]
        )

    def _guarded(self, answering: Answering) -> Answering:
        async def guarded(request: Request) -> Response:
            try:
                self._authenticate(request)
                return await answering(request)
            except Refusal as no:
                error = {"error": {"code": no.code, "message": str(no)}}
                return _json(error if no.charge is None else {**error, "charge": self._shown(no.charge)}, no.status)
            except AWAY:
                error = {"error": {"code": "unavailable", "message": "The gateway's database cannot be reached."}}
                return _json(error, 503, {"Retry-After": "1"})

        return guarded

    def _authenticate(self, request: Request) -> None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(key.strip().encode(), self._key):
            raise Refusal(401, "unauthenticated", "Send the API key: Authorization: Bearer <key>.")

    async def create(self, request: Request) -> Response:
        """201 with what is known at once, 202 while it is not; 200 when the key made the charge before."""
        key, body = _key(request), await _body(request, ChargeBody)
        if body.currency not in CURRENCIES:
            raise Refusal(422, "invalid_currency", "There is no such currency.")
        wanted = NewCharge(body.reference, body.amount, body.currency, body.token, body.return_url, key)
        id_ = f"ch_{self._ids().replace('-', '')}"

        def decide(charge: Charge | None) -> rules.Change | None:
            return rules.create(wanted, charge, id_, self._book.now(), self._late)

        charge = existing(await self._book.change(decide, reference=wanted.reference))
        waits = charge.status in ("pending", "requires_action")
        return _json(self._shown(charge), 202 if waits else 201 if charge.id == id_ else 200)

    async def find(self, request: Request) -> Response:
        """The charge with ``reference``, in a list of one or none."""
        charge = await self._book.find_reference(request.query_params.get("reference", ""))
        return _json({"items": [] if charge is None else [self._shown(charge)]})

    async def capture(self, request: Request) -> Response:
        """Take what is authorised."""
        key, body = _key(request), await _body(request, CaptureBody)
        return await self._change(request, lambda charge: rules.capture(charge, body.amount, key, self._book.now()))

    async def void(self, request: Request) -> Response:
        """Give the promise back."""
        key, _ = _key(request), await _body(request, VoidBody)
        return await self._change(request, lambda charge: rules.void(charge, key, self._book.now()))

    async def refund(self, request: Request) -> Response:
        """Give money back."""
        key, body = _key(request), await _body(request, RefundBody)
        return await self._change(
            request, lambda charge: rules.refund(charge, body.refund_id, body.amount, key, self._book.now())
        )

    async def movements(self, request: Request) -> Response:
        """The ledger between ``after`` and ``before``, a page behind the line ``cursor``."""
        query = request.query_params
        try:
            after, before = (datetime.fromisoformat(query[name]) for name in ("after", "before"))
            cursor, limit = int(query.get("cursor", "0")), min(int(query.get("limit", str(MOST))), MOST)
            if after.tzinfo is None or before.tzinfo is None:
                raise ValueError
        except (KeyError, ValueError):
            raise Refusal(422, "invalid_query", "after, before, cursor and limit say which lines.") from None
        rows = await self._book.database.pool.fetch(MOVEMENTS, after, before, cursor, limit)
        return _json({"items": [dict(row) for row in rows]})

    async def ask_payer(self, request: Request) -> Response:
        """The bank's page."""
        charge = await self._book.find(_charge_id(request))
        return page.missing() if charge is None else page.asking(charge)

    async def payer_decides(self, request: Request) -> Response:
        """A button was pressed: back to the shop."""
        form = parse_qs((await _bytes(request)).decode("latin-1"))
        decision = form.get("decision", [""])[0]
        if decision not in ("approve", "decline"):
            return page.unclear()

        def decide(charge: Charge | None) -> rules.Change | None:
            return None if charge is None else rules.payer_decides(charge, decision == "approve", self._book.now())

        charge = await self._book.change(decide, charge_id=_charge_id(request))
        if charge is None:
            return page.missing()
        return RedirectResponse(charge.return_url, 303) if charge.return_url else page.asking(charge)

    async def live(self, request: Request) -> Response:
        """The process runs."""
        return _json({"status": "live"})

    async def ready(self, request: Request) -> Response:
        """The database answers."""
        try:
            if self._book.database.started:
                await self._book.database.pool.fetchval("select 1")
                return _json({"status": "ready"})
        except AWAY:
            log.warning("the gateway's database cannot be reached")
        return _json({"status": "unready"}, 503)

    async def _change(self, request: Request, decide: Callable[[Charge], rules.Change | None]) -> Response:
        id_ = _charge_id(request)
        charge = await self._book.change(lambda found: decide(existing(found)), charge_id=id_)
        return _json(self._shown(existing(charge)))

    def _shown(self, charge: Charge) -> dict[str, Any]:
        return rules.shown(charge, self._page)


def _for_people(answering: Answering) -> Answering:
    async def answered(request: Request) -> Response:
        try:
            return await answering(request)
        except Refusal:
            return page.unclear()
        except AWAY:
            return page.later()

    return answered


def _charge_id(request: Request) -> str:
    """Which charge; PostgreSQL's text cannot hold U+0000, so that names none."""
    id_: str = request.path_params["charge_id"]
    return id_.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _key(request: Request) -> str:
    key = request.headers.get("idempotency-key", "")
    if not 1 <= len(key) <= 255:
        raise Refusal(400, "idempotency_key_required", "Send an Idempotency-Key.")
    return key


async def _bytes(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            raise Refusal(413, "too_large", f"A body has at most {LONGEST_BODY} bytes.")
    return body


async def _body(request: Request, model: type[B]) -> B:
    try:
        return model.model_validate_json(await _bytes(request) or b"{}")
    except ValidationError as error:
        first = error.errors()[0]
        where = "/".join(str(part) for part in first["loc"])
        raise Refusal(422, "invalid_request", f"{where}: {first['msg']}") from None


def _json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(value), status, headers, "application/json")
