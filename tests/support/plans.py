"""What a list's statements read in a database: rows counted from the plans that the server itself reports."""

from collections.abc import Iterator
from typing import Any

import orjson
import sqlalchemy as sa
from chassis.fixtures import Harness
from sqlalchemy.ext.asyncio import AsyncEngine


async def rows_read(harness: Harness, path: str, headers: dict[str, str]) -> tuple[Any, list[int]]:
    """The answer to a GET, and how many rows and index entries each statement that varies had to look at for it."""
    engine, asked = harness.service.database.engine, list[tuple[str, Any]]()

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        asked.append((statement, parameters))

    sa.event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        answer = await harness.client.get(path, headers=headers)
    finally:
        sa.event.remove(engine.sync_engine, "before_cursor_execute", note)
    assert answer.status_code == 200, answer.text
    assert asked, "no statement went by the engine"
    return answer.json(), [await _read_by(engine, *each) for each in asked]


async def rows_read_by(harness: Harness, statement: sa.TextClause, **parameters: Any) -> int:
    """How many rows and index entries this one statement had to look at."""
    async with harness.service.database.engine.connect() as sql:
        found = await sql.execute(sa.text(f"explain (analyze, format json) {statement}"), parameters)
        return _looked_at_by(found.scalar_one())


async def _read_by(engine: AsyncEngine, statement: str, parameters: Any) -> int:
    async with engine.connect() as sql:
        found = await sql.exec_driver_sql(f"explain (analyze, format json) {statement}", parameters)
        return _looked_at_by(found.scalar_one())


def _looked_at_by(plan: Any) -> int:
    nodes = _nodes((orjson.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])
    return sum(round(_looked_at(node) * node["Actual Loops"]) for node in nodes)


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _looked_at(node: Any) -> float:
    """Rows that came out of a scan, and those that it threw away."""
    if not node["Node Type"].endswith("Scan") or node["Node Type"] in ("Subquery Scan", "CTE Scan"):
        return 0
    thrown = ("Rows Removed by Filter", "Rows Removed by Index Recheck")
    return float(node["Actual Rows"] + sum(node.get(name, 0) for name in thrown))
