"""6. Nothing secret, and in public nothing personal, can be read. What is found is named by its kind alone."""

import re
from collections.abc import Mapping

import orjson
from chassis.parked import masked

from soko.oracle.breach import Report
from soko.oracle.reading import Databases

SECRET: Mapping[str, str] = {
    "a signed token": r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.",
    "a bearer token": r"[Bb]earer\s+[A-Za-z0-9_.~+/=-]{8,}",
    "a payment token": r"\mtok_[a-z0-9_]{3,}",
    "a password's hash": r"\$argon2",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY",
    "a secret's value": r'"(password|passwd|secret|token|authorization|cookie|api_key|card_number|cvc|cvv|otp|pin)"'
    r'\s*:\s*"[^"]',
}
DIGITS = r"\m[0-9]{13,19}\M"
PERSONAL: Mapping[str, str] = {
    "a mail address": r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+\.[A-Za-z]",
    "a phone number": r"[^0-9A-Za-z+][+][1-9][0-9]{7,14}\M",
}
PLACES: Mapping[str, str] = {
    "events": "select stream || ' ' || version as row, data::text as said from events",
    "published": "select message_id as row, data::text as said from published",
    "outbox": "select message_id as row, data::text as said from outbox where kind = 'event'",
    "inbox": "select message_id || ' ' || subscription as row, error as said from inbox where error is not null",
    "calls": "select id as row, error as said from calls where error is not null",
    "done": "select message_id || ' ' || subscription as row, note as said from done where note is not null",
    "jobs": "select name as row, concat(last_result, ' ', last_error) as said from jobs",
}
"""What keeps something for long, or is shown. Commands are not here: they carry what is theirs, and leave."""

PARKED = """
select 'inbox ' || id as row, data from inbox where parked_at is not null
union all select 'calls ' || id, request from calls where parked_at is not null
"""
TOLD_BY_STAFF = "catalog"
"""What the shop writes about its products is public, an address in it too."""


async def secrets(databases: Databases, report: Report) -> None:
    """Look through every row; the database looks, and only what it finds comes here."""
    patterns = [*SECRET.values(), DIGITS]  # one after the other: as one alternation they take half as long again
    for service in databases.services:
        for table, rows_of in PLACES.items():
            sql = f"select row, said from ({rows_of}) rows where said ~ any($1::text[])"
            async for rows in databases.pages(service, sql, patterns):
                for row in rows:
                    for what in _secrets_in(row["said"]):
                        report.add(
                            "no secrets",
                            f"{service}.{table}",
                            f"{what} can be read",
                            (f"{service}.{table} {row['row']}",),
                        )
        for row in await databases.rows(service, PARKED):
            for what in _secrets_in(orjson.dumps(masked(orjson.loads(row["data"]))).decode()):
                report.add("no secrets", f"{service}, parked", f"{what} can be read", (f"{service}.{row['row']}",))


async def personal(databases: Databases, report: Report) -> None:
    """Public events carry ids alone."""
    patterns = list(PERSONAL.values())
    for service in databases.services:
        if service == TOLD_BY_STAFF:
            continue
        sql = f"select row, said from ({PLACES['published']}) rows where said ~ any($1::text[])"
        async for rows in databases.pages(service, sql, patterns):
            for row in rows:
                for what, pattern in PERSONAL.items():
                    if re.search(_python(pattern), row["said"]):
                        where = (f"{service}.published {row['row']}",)
                        report.add("no personal data", f"message {row['row']}", f"{what} can be read", where)


def _secrets_in(text: str) -> list[str]:
    found = [what for what, pattern in SECRET.items() if re.search(_python(pattern), text)]
    if any(_is_card(digits) for digits in re.findall(_python(DIGITS), text)):
        found.append("a card number")
    return found


def _is_card(digits: str) -> bool:
    """Luhn's check."""
    doubled = (int(digit) * (1 + n % 2) for n, digit in enumerate(reversed(digits)))
    return sum(value - 9 * (value > 9) for value in doubled) % 10 == 0


def _python(pattern: str) -> str:
    """PostgreSQL's word boundaries as Python has them."""
    return pattern.replace(r"\m", r"\b").replace(r"\M", r"\b")
