"""Passwords that many people have: the first that anybody guesses."""

import importlib.util
from functools import cache
from pathlib import Path
from typing import Final

from identity.domain import PASSWORD_SHORTEST

PACKAGE: Final = "zxcvbn"


def is_common(password: str) -> bool:
    """Whether it is among the 30,000 found most often in what was stolen elsewhere."""
    return password.casefold() in _known()


@cache
def _known() -> frozenset[str]:
    """Those that are long enough to be chosen. The package's lists are read past it: imported, they would stay."""
    package = importlib.util.find_spec(PACKAGE)
    assert package is not None
    assert package.origin is not None
    spec = importlib.util.spec_from_file_location("lists", Path(package.origin).with_name("frequency_lists.py"))
    assert spec is not None
    assert spec.loader is not None
    lists = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(lists)
    listed: str | list[str] = lists.FREQUENCY_LISTS["passwords"]
    words = listed.split(",") if isinstance(listed, str) else listed
    return frozenset(word for word in words if len(word) >= PASSWORD_SHORTEST)
