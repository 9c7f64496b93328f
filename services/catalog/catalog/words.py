"""The words of a search, and the text search they ask of PostgreSQL."""

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, literal_column

MOST_WORDS = 12


def words_of(search: str, most: int = MOST_WORDS) -> list[str]:
    """The words as they are looked for: lower case, split at all that is neither letter nor digit."""
    return re.findall(r"[^\W_]+", search.lower())[:most]


def text_query(words: Sequence[str], weights: str = "", *, shortest: int = 2) -> ColumnElement[Any]:
    """All of ``words``, as written or by their stems; each may be the beginning of a longer one.

    One shorter than ``shortest`` is a whole word: it begins too many. ``weights``: only where it weighs one of these.
    """
    marks = (f"{'*' if len(word) >= shortest else ''}{weights}" for word in words)
    terms = " & ".join(f"'{word}':{mark}" if mark else f"'{word}'" for word, mark in zip(words, marks, strict=True))
    simple, english = (func.to_tsquery(literal_column(f"'{each}'::regconfig"), terms) for each in ("simple", "english"))
    return simple.op("||")(english)
