"""Rows out of an upload, one after the other: an array of JSON, or CSV with a line of headings.

What is read becomes what a JSON row would have said, as far as that can be told; whether it fits is found out later,
row by row, so that one bad row does not spoil the others.
"""

import csv
import json
import re
from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator, Mapping
from io import TextIOWrapper
from typing import IO, Any, Final

import pydantic_core
from chassis.http import MALFORMED, Problem, invalid
from chassis.http.problems import pointer

from catalog.bulk.cells import understood

PIECE: Final = 64 * 1024
LONGEST: Final = 256 * 1024
"""Characters of one row."""
BEGIN: Final = re.compile(r'\s*(\{\s*"items"\s*:\s*)?\[')
COMMA: Final = re.compile(r"\s*,")
END: Final = re.compile(r"\s*\]")
CLOSE: Final = re.compile(r"\s*\}")
COLON: Final = re.compile(r"\s*:")
UNKNOWN: Final = "is not a known field"

Row = Mapping[str, Any]


class _Text:
    """The upload's text, as much of it as is needed."""

    def __init__(self, file: IO[bytes]) -> None:
        self._pieces = iter(lambda: self._decode(file.read(PIECE)), "")
        self._decoder = getincrementaldecoder("utf-8")()
        self.text = ""

    def _decode(self, piece: bytes) -> str:
        return self._decoder.decode(piece, final=len(piece) < PIECE)

    def more(self) -> bool:
        """Read on; false at the end."""
        if len(self.text) > LONGEST:
            raise _not_json(f"a row may have {LONGEST} characters at most")
        piece = next(self._pieces, "")
        self.text += piece
        return bool(piece)

    def skip(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Step over what comes next, where it is this."""
        while not self.text.strip() and self.more():
            pass
        if found := pattern.match(self.text):
            self.text = self.text[found.end() :]
        return found

    def value(self) -> Any:
        """The next JSON value."""
        while True:
            self.text = self.text.lstrip()
            try:
                value, end = DECODER.raw_decode(self.text)
            except RecursionError:
                raise _not_json("it is too deep") from None
            except ValueError as no:
                if not self.more():
                    raise _not_json(str(no)) from None
            else:
                self.text = self.text[end:]
                return value


def json_rows(file: IO[bytes]) -> Iterator[Row]:
    """The objects of ``[{…}, {…}]`` or ``{"items": [{…}, …]}``. Raises 400 for what is no JSON, 422 for other JSON."""
    text, number = _Text(file), 0
    try:
        text.more()
        begin = text.skip(BEGIN)
        if begin is None:
            raise _no_rows(text)
        if not text.skip(END):
            yield _row(text.value(), number)
            while not text.skip(END):
                if not text.skip(COMMA):
                    raise _not_json("a comma or the end is missing behind a row")
                number += 1
                yield _row(text.value(), number)
        if begin[1] and not text.skip(CLOSE):
            raise _no_end(text)
        while text.more():
            pass
    except UnicodeDecodeError as no:
        raise _not_json(str(no)) from None
    if text.text.strip():
        raise _not_json("something stands behind the rows")


def _row(value: Any, number: int) -> Row:
    if not isinstance(value, dict):
        raise invalid(pointer("items", number), "must be an object")
    return value


def _no_rows(text: _Text) -> Problem:
    """What to say of a body that does not begin with rows."""
    while text.more():
        pass
    try:
        value = pydantic_core.from_json(text.text, allow_inf_nan=False)
    except ValueError as no:
        return _not_json(str(no))
    if not isinstance(value, dict):
        return invalid("", "must be an object with items, or an array of rows")
    if unknown := next((name for name in value if name != "items"), None):
        return invalid(pointer(unknown), UNKNOWN)
    return invalid("/items", "must be an array" if "items" in value else "is required")


def _no_end(text: _Text) -> Problem:
    """What to say of an object that goes on behind its rows."""
    if text.skip(COMMA):
        name = text.value()
        if isinstance(name, str) and not unstorable(name) and text.skip(COLON):
            return invalid(pointer(name), UNKNOWN)
    return _not_json("the object that holds the rows does not end")


def _not_json(why: str) -> Problem:
    return Problem(MALFORMED, f"The body is not JSON with rows: {why}.")


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


DECODER: Final = json.JSONDecoder(parse_constant=_refuse)


def csv_rows(file: IO[bytes], currency: str) -> Iterator[Row]:
    """A row a line, under the names in the first one. Raises 400 and 422 where it is no CSV with headings."""
    lines = csv.reader(TextIOWrapper(file, "utf-8-sig", newline=""), strict=True)
    try:
        names = [name.strip() for name in next(lines, [])]
        if len(set(names)) < len(names) or "" in names:
            raise invalid("/header", "must name each column once")
        if "sku" not in names:
            raise invalid("/header", "must have a column sku")
        for cells in lines:
            if not any(cells):
                continue
            if len(cells) > len(names):
                raise Problem(MALFORMED, f"Line {lines.line_num} has more cells than there are headings.")
            yield understood(dict(zip(names, cells, strict=False)), currency)
    except (csv.Error, UnicodeDecodeError) as no:
        raise Problem(MALFORMED, f"The body is not CSV in UTF-8: line {lines.line_num}: {no}.") from None


def unstorable(row: Any, at: str = "") -> tuple[str, str] | None:
    """Where a row holds text that the database cannot, and the rule."""
    if isinstance(row, str):
        if "\0" in row:
            return at, "must not contain the character U+0000"
        return (
            (at, "must not contain half of a surrogate pair") if any("\ud800" <= c <= "\udfff" for c in row) else None
        )
    parts: Iterable[tuple[Any, Any]] = ()
    if isinstance(row, dict):
        parts = row.items()
        if any(unstorable(key) for key in row):
            return at, "must not have such a name in it"
    elif isinstance(row, list):
        parts = enumerate(row)
    return next((found for step, value in parts if (found := unstorable(value, at + pointer(step)))), None)
