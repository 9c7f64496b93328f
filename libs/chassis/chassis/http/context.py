"""The request's place in its story, as a dependency."""

from fastapi import Request

from chassis.context import Context

CONTEXT = "soko.context"
"""Where the middleware leaves it in the ASGI scope."""


async def request_context(request: Request) -> Context:
    """``context: Context = Depends(request_context)``: hand it to ``execute``, ``unit`` and ``peers``."""
    found: Context = request.scope[CONTEXT]
    return found
