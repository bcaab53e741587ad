"""Tokens that are known: verified for less, and not a request longer than they are live."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from scim_asgi.provisioning import clock
from scim_asgi.provisioning.tokens import TokenIdentity, Tokens
from scim_asgi.store.sqlite import SqliteStore


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """An open store of its own for a test."""
    opened = SqliteStore(str(tmp_path / "scim.db"))
    await opened.open()
    yield opened
    await opened.close()


async def test_a_token_that_another_process_revokes_is_refused_the_next_time(
    store: SqliteStore, tmp_path: Path
) -> None:
    there = SqliteStore(str(tmp_path / "scim.db"))
    await there.open()
    used, other = Tokens(store), Tokens(there)
    for number in range(50):
        issued = await used.issue("acme", name=f"{number}")
        found = [await used.verify(issued.token) for _ in range(3)]
        assert [TokenIdentity(issued.id, "acme", issued.prefix)] * 3 == found
        await other.revoke(issued.id)
        assert [None] * 3 == [await used.verify(issued.token) for _ in range(3)]
    await used.close()
    await there.close()


async def test_a_known_token_ends_at_its_time(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens, at = Tokens(store), clock.now()
    issued = await tokens.issue("acme", name="short", expires_at=at + 30_000)
    for later, is_live in [(0, True), (29_999, True), (30_000, False), (29_999, True)]:
        monkeypatch.setattr("scim_asgi.provisioning.tokens.now", lambda later=later: at + later)
        assert is_live == (await tokens.verify(issued.token) is not None)
    await tokens.close()


async def test_known_tokens_take_bounded_memory_and_their_use_is_noted_every_minute(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scim_asgi.provisioning.tokens._MOST_KNOWN", 3)
    tokens, at = Tokens(store), clock.now()
    issued = [await tokens.issue("acme", name=f"{number}") for number in range(5)]
    for later in (0, 60_000, 60_001, 120_001, 130_000):
        monkeypatch.setattr("scim_asgi.provisioning.tokens.now", lambda later=later: at + later)
        for each in issued:
            assert await tokens.verify(each.token) is not None
        await tokens.close()
        noted = {each.last_used_at for each in await tokens.list("acme")}
        assert {at + (0 if later <= 60_000 else 60_001 if later <= 120_001 else 130_000)} == noted
    assert 3 == len(tokens._known)


@pytest.mark.parametrize(
    "text", ["", "x", "scim_", "\ud800" * 54, "é" * 54, "s" * 54, "a" * 99_999]
)
async def test_what_is_no_token_stands_for_nobody(store: SqliteStore, text: str) -> None:
    assert await Tokens(store).verify(text) is None


async def test_a_token_that_is_revoked_in_memory_is_refused_the_next_time() -> None:
    store = SqliteStore(":memory:")
    await store.open()
    tokens = Tokens(store)
    issued = await tokens.issue("acme", name="one")
    assert await tokens.verify(issued.token) == await tokens.verify(issued.token) is not None
    await tokens.revoke(issued.id)
    assert await tokens.verify(issued.token) is None
    await tokens.close()
    await store.close()
