"""Lists that go on by cursor, on a real PostgreSQL."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from chassis.http import Problem, beyond
from chassis.http.errors import from_unforeseen
from chassis.http.lists import decode, encode
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
things = sa.Table(
    "things",
    sa.MetaData(),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("price", sa.Integer, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
)
ROWS = [
    {"id": f"t-{number:02}", "price": number % 3, "created_at": FIRST + timedelta(microseconds=number % 4)}
    for number in range(40)
]
ORDERS: list[list[tuple[sa.Column[Any], bool]]] = [
    [(things.c.id, False)],
    [(things.c.price, True), (things.c.id, True)],
    [(things.c.price, False), (things.c.id, True)],
    [(things.c.created_at, True), (things.c.price, False), (things.c.id, False)],
]


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[AsyncConnection]:
    engine = create_async_engine(database_url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.connect() as connection:
        await connection.run_sync(things.metadata.create_all)
        await connection.execute(things.insert(), ROWS)
        await connection.commit()
        yield connection
    await engine.dispose()


@pytest.mark.parametrize("order", ORDERS)
async def test_every_row_comes_once_and_in_order(
    connection: AsyncConnection, order: list[tuple[sa.Column[Any], bool]]
) -> None:
    by = [column.desc() if descending else column.asc() for column, descending in order]
    seen, cursor = list[str](), tuple[Any, ...]()
    while True:
        query = sa.select(things).where(beyond(cursor, order)).order_by(*by).limit(7)
        rows = (await connection.execute(query)).all()
        if not rows:
            break
        seen += [row.id for row in rows]
        cursor = decode(encode([getattr(rows[-1], column.name) for column, _ in order]))
    everything = await connection.execute(sa.select(things.c.id).order_by(*by))
    assert seen == list(everything.scalars())


@pytest.mark.parametrize(
    "cursor",
    [
        (1,),
        (1, "a", "b"),
        ("1", "a"),
        (True, "a"),
        (1.5, "a"),
        (None, "a"),
        (2**31, "a"),
        (1, "a\0"),
        (1, 2),
        (datetime(2026, 1, 1, tzinfo=UTC), "a"),
        ([1], "a"),
    ],
)
def test_a_cursor_of_another_list_is_refused(cursor: tuple[Any, ...]) -> None:
    with pytest.raises(Problem) as refused:
        beyond(cursor, ORDERS[1])
    assert refused.value.errors[0][0] == "/query/cursor"


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(Problem):
        beyond((datetime(2026, 1, 1), 1, "a"), ORDERS[3])  # noqa: DTZ001


async def test_a_value_that_the_database_cannot_hold_is_the_clients_mistake(
    connection: AsyncConnection, database_url: str
) -> None:
    queries = (
        sa.select(things).where(things.c.price == sa.bindparam(None, 2**40, sa.Integer)),
        sa.select(things).where(things.c.id == "a\0"),
    )
    for query in queries:
        with pytest.raises(sa.exc.DBAPIError) as raised:
            await connection.execute(query)
        assert from_unforeseen("catalog", "GET /things", raised.value).kind.status == 422
        await connection.rollback()
    plain = await asyncpg.connect(database_url)
    for value in (2**40, "x"):
        with pytest.raises(asyncpg.DataError) as refused:
            await plain.fetch("select $1::int", value)
        assert from_unforeseen("catalog", "GET /things", refused.value).kind.status == 422
    await plain.close()
    with pytest.raises(asyncpg.InterfaceError) as closed:
        await plain.fetch("select 1")
    assert from_unforeseen("catalog", "GET /things", closed.value).kind.status == 503
