"""What the guard holds is decided where it is noted, whatever other processes do at that moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from scim_asgi import Guard
from scim_asgi.provisioning.guard import Held
from scim_asgi.store.sqlite import SqliteStore
from tests.client import Client, assert_error
from tests.conftest import Scim, Served
from tests.provisioning.test_guard import close, delete, held, people, release


class Pair:
    """Two servers of one product on one file, and four users of whom as many are closed as may be."""

    def __init__(self, serve: Served, monkeypatch: pytest.MonkeyPatch) -> None:
        guard = Guard(share=0.3, minimum=2, seconds=600)
        self.scim: Scim = serve(guard=guard)
        self.client, self.other = self.scim.client(), serve(guard=guard).client()
        self.users = people(self.client, 4)
        for each in self.users[:2]:
            assert 200 == close(self.client, each).status_code
        assert_error(close(self.client, self.users[2]), 503)
        self._monkeypatch = monkeypatch

    def meanwhile(self, happening: Callable[[], Any]) -> None:
        """Let something happen right after the next change that is held was undone."""
        write, happenings = SqliteStore.write, [happening]

        async def watched(store: SqliteStore, *work: Any, **how: Any) -> Any:
            try:
                return await write(store, *work, **how)
            except Held:
                while happenings:
                    await asyncio.to_thread(happenings.pop())
                raise

        self._monkeypatch.setattr(SqliteStore, "write", watched)

    def take_back(self, client: Client) -> None:
        """Say of all who were closed, and of who is held, that they are active."""
        for each in self.users[:3]:
            assert 200 == close(client, each, active=True).status_code


@pytest.fixture
def pair(serve: Served, monkeypatch: pytest.MonkeyPatch) -> Pair:
    return Pair(serve, monkeypatch)


def test_what_others_hold_no_more_when_it_is_noted_is_not_held(pair: Pair) -> None:
    pair.meanwhile(lambda: pair.take_back(pair.other))
    assert 200 == close(pair.client, pair.users[3]).status_code
    assert not pair.scim.product.account("u3@acme.test").active
    assert 0 == held(pair.scim)
    assert 200 == close(pair.client, pair.users[0]).status_code


def test_what_is_released_before_it_is_noted_is_counted_anew(pair: Pair) -> None:
    pair.meanwhile(lambda: release(pair.scim))
    assert_error(close(pair.client, pair.users[3]), 503)
    assert 1 == held(pair.scim)
    assert [("held", 503)] * 2 == [(row.action, row.status) for row in pair.scim.log()[-2:]]


def test_nobody_is_held_who_is_deleted_before_it_is_noted(pair: Pair) -> None:
    def leave() -> None:
        pair.take_back(pair.other)
        assert 204 == delete(pair.other, pair.users[3]).status_code

    pair.meanwhile(leave)
    assert_error(close(pair.client, pair.users[3]), 404)
    assert 0 == held(pair.scim)
