"""HTTP for services: import from here."""

from chassis.http.app import Health, create_app, current_service
from chassis.http.auth import (
    Access,
    Authentication,
    Caller,
    Peer,
    anyone,
    authenticate,
    cart_holder,
    right,
    service_only,
    signed_in,
)
from chassis.http.bodies import Answer, Body, Moment
from chassis.http.context import request_context
from chassis.http.etag import etag, if_match, tagged
from chassis.http.idempotency import idempotency, replayed
from chassis.http.keyset import beyond
from chassis.http.lists import Listing, Paging, ordering, paging
from chassis.http.money import Money
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
    ProblemType,
    invalid,
    problem_type,
    problems,
)
from chassis.http.revocations import Revocations
from chassis.http.routing import OpenQuery, Router, body_limit
from chassis.http.service_tokens import ServiceTokens
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
    "Paging",
    "Peer",
    "PeerAnswer",
    "Peers",
    "Problem",
    "ProblemType",
    "Revocations",
    "Router",
    "ServiceTokens",
    "Upstream",
    "Verifier",
    "anyone",
    "authenticate",
    "beyond",
    "body_limit",
    "cart_holder",
    "create_app",
    "current_service",
    "etag",
    "idempotency",
    "if_match",
    "invalid",
    "ordering",
    "paging",
    "prefer_wait",
    "problem_type",
    "problems",
    "replayed",
    "request_context",
    "right",
    "service_only",
    "signed_in",
    "tagged",
]
