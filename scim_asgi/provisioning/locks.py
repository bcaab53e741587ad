"""A lock for each name that is in use, and none for the others."""

from __future__ import annotations

import asyncio


class NamedLocks:
    """Locks by name; a name takes memory only while somebody holds or awaits it."""

    def __init__(self) -> None:
        self._locks: dict[str, _Lock] = {}

    def hold(self, name: str) -> _Hold:
        """Return what holds the lock of a name, by ``async with``."""
        return _Hold(self._locks, name)


class _Lock(asyncio.Lock):
    """A lock, and how many hold or await it."""

    users = 0


class _Hold:
    __slots__ = ("_locks", "_name")

    def __init__(self, locks: dict[str, _Lock], name: str) -> None:
        self._locks = locks
        self._name = name

    async def __aenter__(self) -> None:
        lock = self._locks.get(self._name)
        if lock is None:
            lock = self._locks[self._name] = _Lock()
        lock.users += 1
        try:
            await lock.acquire()
        except BaseException:
            self._leave(lock)
            raise

    async def __aexit__(self, *_: object) -> None:
        lock = self._locks[self._name]
        lock.release()
        self._leave(lock)

    def _leave(self, lock: _Lock) -> None:
        lock.users -= 1
        if not lock.users:
            del self._locks[self._name]
