"""``Prefer: wait=N`` (RFC 7240)."""

import re

from fastapi import Request

LONGEST = 20.0
_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?([0-9]{1,6})\"?\s*(?=$|[,;])", re.IGNORECASE)


async def prefer_wait(request: Request) -> float:
    """How many seconds the client wants to wait for a settled answer: 0 to 20. A preference not understood is none."""
    found = _WAIT.search(",".join(request.headers.getlist("prefer")))
    return min(float(found[1]), LONGEST) if found else 0.0
