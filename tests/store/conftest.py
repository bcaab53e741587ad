"""A store in a file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from scim_asgi.store.sqlite import SqliteStore


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """An open store of its own for a test."""
    opened = SqliteStore(str(tmp_path / "scim.db"))
    await opened.open()
    yield opened
    await opened.close()
