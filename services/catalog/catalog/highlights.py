"""Where a search found its words, marked in the text that is shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from sqlalchemy import ColumnElement, func, literal, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from catalog.tables import products
from catalog.words import text_query

# Two characters that are written in no language stand where <mark> shall, until the text around them is escaped.
BEGIN, END = "\ue000", "\ue001"
NAME = f"StartSel={BEGIN}, StopSel={END}, HighlightAll=true"
DESCRIPTION = f"StartSel={BEGIN}, StopSel={END}, MaxWords=30, MinWords=12, MaxFragments=2, FragmentDelimiter=' … '"


ENGLISH: ColumnElement[Any] = literal_column("'english'::regconfig")


@dataclass(frozen=True, slots=True)
class Marked:
    """HTML in which nothing but ``<mark>`` is markup."""

    name: str
    description: str


async def marked(sql: AsyncConnection, ids: Sequence[str], words: Sequence[str]) -> Mapping[str, Marked]:
    """The names, and the parts of the descriptions, of these products, by id."""
    query = text_query(words)
    rows = await sql.execute(
        select(
            products.c.id,
            func.ts_headline(ENGLISH, _bare(products.c.name), query, literal(NAME)),
            func.ts_headline(ENGLISH, _bare(func.left(products.c.description, 2000)), query, literal(DESCRIPTION)),
        ).where(products.c.id.in_(ids))
    )
    return {id_: Marked(_html(name), _html(description)) for id_, name, description in rows}


def _bare(text: object) -> object:
    return func.translate(text, BEGIN + END, "")


def _html(text: str) -> str:
    return escape(text).replace(BEGIN, "<mark>").replace(END, "</mark>")
