"""Answering a request: what is raised becomes an answer, unless one has begun already."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from scim_asgi.http.requests import ClientGone
from scim_asgi.redaction import printable, shown
from scim_asgi.store.errors import StoreError

logger = logging.getLogger("scim_asgi.admin")

_LONGEST = 500


async def respond(
    scope: Scope,
    receive: Receive,
    send: Send,
    answer: Callable[[Scope, Receive], Awaitable[Response]],
    refuse: Callable[[Exception, Scope], Response],
) -> None:
    """Answer an HTTP request; HEAD without a body.

    Args:
        scope: The ASGI scope.
        receive: The ASGI callable.
        send: The ASGI callable.
        answer: Returns the answer, or raises.
        refuse: Returns the answer to what was raised.
    """
    started = False

    async def watched(message: Message) -> None:
        nonlocal started
        started = started or message["type"] == "http.response.start"
        if scope["method"] == "HEAD" and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    try:
        response = await answer(scope, receive)
        await response(scope, receive, watched)
    except ClientGone:
        return
    except Exception as error:
        if started:
            raise
        await refuse(error, scope)(scope, receive, watched)


def log_failure(error: Exception, scope: Scope) -> None:
    """Log what made a request fail; what is not ours with its traceback."""
    what = printable(f"{scope['method'][:16]} {shown(scope['path'], _LONGEST)}")
    if isinstance(error, StoreError):
        logger.error("%s failed: %s", what, error)
    else:
        logger.error("%s failed.", what, exc_info=error)
