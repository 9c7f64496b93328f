"""HTTP for services: import from here."""

from soko_contracts.problems import ProblemType

from chassis.http.app import Health, create_app, current_service
from chassis.http.auth import (
    Access,
    Authentication,
    Caller,
    Peer,
    anyone,
    authenticate,
    cart_holder,
    guest_cart,
    known,
    right,
    service_only,
    shopper,
    shopper_or,
    signed_in,
    unguarded,
)
from chassis.http.bodies import Answer, Body, Moment
from chassis.http.context import request_context
from chassis.http.etag import Precondition, Tags, etag, precondition, tagging
from chassis.http.idempotency import idempotency, replayed
from chassis.http.keyset import beyond
from chassis.http.lists import Listing, Paging, ordering, paging
from chassis.http.money import Money
from chassis.http.pages import Page, Way, read_page
from chassis.http.peers import PeerAnswer, Peers
from chassis.http.prefer import prefer_wait
from chassis.http.problems import (
    CONFLICT,
    FORBIDDEN,
    IDEMPOTENCY_IN_FLIGHT,
    IDEMPOTENCY_KEY_REQUIRED,
    IDEMPOTENCY_KEY_REUSED,
    INTERNAL,
    MALFORMED,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    PRECONDITION_FAILED,
    PROBLEMS,
    RATE_LIMITED,
    TOO_LARGE,
    UNAUTHENTICATED,
    UNAVAILABLE,
    UNSUPPORTED_MEDIA_TYPE,
    UPSTREAM_TIMEOUT,
    VALIDATION,
    Problem,
    invalid,
    problem_type,
    problems,
    registered,
)
from chassis.http.revocations import Revocations
from chassis.http.routing import OpenQuery, Router, body_limit
from chassis.http.service_tokens import ServiceTokens
from chassis.http.streams import event, last_event_id, streamed, wants_stream
from chassis.http.tokens import Keys, Verifier
from chassis.http.upstream import Connections, Upstream

__all__ = [
    "CONFLICT",
    "FORBIDDEN",
    "IDEMPOTENCY_IN_FLIGHT",
    "IDEMPOTENCY_KEY_REQUIRED",
    "IDEMPOTENCY_KEY_REUSED",
    "INTERNAL",
    "MALFORMED",
    "METHOD_NOT_ALLOWED",
    "NOT_FOUND",
    "PRECONDITION_FAILED",
    "PROBLEMS",
    "RATE_LIMITED",
    "TOO_LARGE",
    "UNAUTHENTICATED",
    "UNAVAILABLE",
    "UNSUPPORTED_MEDIA_TYPE",
    "UPSTREAM_TIMEOUT",
    "VALIDATION",
    "Access",
    "Answer",
    "Authentication",
    "Body",
    "Caller",
    "Connections",
    "Health",
    "Keys",
    "Listing",
    "Moment",
    "Money",
    "OpenQuery",
    "Page",
    "Paging",
    "Peer",
    "PeerAnswer",
    "Peers",
    "Precondition",
    "Problem",
    "ProblemType",
    "Revocations",
    "Router",
    "ServiceTokens",
    "Tags",
    "Upstream",
    "Verifier",
    "Way",
    "anyone",
    "authenticate",
    "beyond",
    "body_limit",
    "cart_holder",
    "create_app",
    "current_service",
    "etag",
    "event",
    "guest_cart",
    "idempotency",
    "invalid",
    "known",
    "last_event_id",
    "ordering",
    "paging",
    "precondition",
    "prefer_wait",
    "problem_type",
    "problems",
    "read_page",
    "registered",
    "replayed",
    "request_context",
    "right",
    "service_only",
    "shopper",
    "shopper_or",
    "signed_in",
    "streamed",
    "tagging",
    "unguarded",
    "wants_stream",
]
