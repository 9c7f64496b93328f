"""What no client reaches, though an administrator has let it have everything there is to have."""

from cast import Cast
from chassis.world import new_id
from relying import trusted
from soko_contracts.rights import LENT
from surface import Endpoint, public

SHOPPING = {
    "POST /api/v1/cart/merge",
    "POST /api/v1/products/{key}/reviews",
    "PATCH /api/v1/reviews/{review_id}",
    "DELETE /api/v1/reviews/{review_id}",
    "GET /api/v1/payments",
    "GET /api/v1/payments/{payment_id}",
    "GET /api/v1/users/me/addresses",
    "POST /api/v1/users/me/addresses",
    "GET /api/v1/users/me/addresses/{address_id}",
    "PATCH /api/v1/users/me/addresses/{address_id}",
    "DELETE /api/v1/users/me/addresses/{address_id}",
}
"""What needs a person, and lets a client be it: a route is here because somebody thought about it."""


def closed(endpoint: Endpoint) -> bool:
    """Whether it is for people themselves, or for a right that is lent to nobody."""
    return endpoint.access == "signed_in" or (":" in endpoint.access and endpoint.access not in LENT)


def test_what_a_client_may_do_as_its_person_is_listed() -> None:
    assert {str(each) for each in public() if each.access == "shopper"} == SHOPPING


async def test_a_client_with_every_scope_is_refused_where_only_people_decide(cast: Cast) -> None:
    async with trusted(cast.shop) as its:
        refused = [each for each in public() if closed(each)]
        assert len(refused) > 30
        for endpoint in refused:
            body = cast.body(endpoint) if endpoint.body is not None else None
            headers = {**its.headers, "Idempotency-Key": new_id()}
            path, query = cast.path(endpoint), cast.query(endpoint)
            answer = await its.client.request(endpoint.method, path, json=body, headers=headers, params=query)
            assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden"), (
                f"{endpoint}: {answer.text}"
            )
        assert (await its.call("GET", "/orders")).status_code == 200, "the token is good"
