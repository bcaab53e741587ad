"""Waiting for what happens in the background."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from scim_asgi import ScimApp

PATIENCE = 60.0
"""How many seconds to wait for what happens at once unless the machine is busy."""


def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Return as soon as a condition holds; fail when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


async def eventually(
    condition: Callable[[], bool | Awaitable[bool]], seconds: float = PATIENCE
) -> None:
    """Return as soon as a condition holds that may be a coroutine; fail when it does not in time."""
    deadline = time.monotonic() + seconds
    while True:
        holds = condition()
        if await holds if isinstance(holds, Awaitable) else holds:
            return
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.01)


async def settled(app: ScimApp) -> None:
    """Return as soon as nothing is pending any more."""

    async def is_settled() -> bool:
        left = await app.reconciliation.status()
        return not left.pending and not left.to_map

    await eventually(is_settled)
