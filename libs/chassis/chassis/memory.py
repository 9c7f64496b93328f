"""Having the C library give memory back: left to itself it keeps whatever a busy moment once took.

It raises the size from which it asks the system for a block of its own each time such a block is freed, and keeps twice
as much at hand; it also keeps a heap for each thread. Said once, its thresholds stay where they are. Only glibc is
spoken to; elsewhere nothing happens.
"""

import ctypes
from collections.abc import Mapping
from typing import Final

THRESHOLD: Final = 128 * 1024
CHILD: Final[Mapping[str, str]] = {
    "MALLOC_MMAP_THRESHOLD_": str(THRESHOLD),
    "MALLOC_TRIM_THRESHOLD_": str(4 * THRESHOLD),
}
"""The same for a child process, as its environment.

What PostgreSQL needs for a statement is more than the threshold: with that, each one asked the system for pages, and
gave them back at its end.
"""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8


def give_back() -> None:
    """What is free now, and from now on what becomes free; said before there are threads, they share one heap."""
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        for option, value in ((_M_MMAP_THRESHOLD, THRESHOLD), (_M_TRIM_THRESHOLD, THRESHOLD), (_M_ARENA_MAX, 1)):
            library.mallopt(option, value)
        library.malloc_trim(0)
