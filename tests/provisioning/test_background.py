"""The background ends when it is told to, whatever it is doing."""

from __future__ import annotations

import asyncio
from pathlib import Path

from scim_asgi import ScimApp
from tests.product import Product


async def test_it_ends_when_it_is_woken_in_the_same_instant(tmp_path: Path) -> None:
    for _ in range(20):
        app = ScimApp(str(tmp_path / "scim.db"), hooks=Product())
        async with asyncio.timeout(20):
            async with app.lifespan():
                await asyncio.sleep(0.002)
                app._runtime.background.wake()
