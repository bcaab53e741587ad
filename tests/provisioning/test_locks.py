"""Locks by name: one at a time, whoever gives up waiting, and nothing left behind."""

from __future__ import annotations

import asyncio

from scim_asgi.provisioning.locks import NamedLocks
from tests.waiting import eventually


async def test_who_holds_a_name_is_waited_for_and_other_names_are_not() -> None:
    locks, order = NamedLocks(), []
    inside, may_leave = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with locks.hold("a"):
            inside.set()
            await may_leave.wait()
            order.append("first")

    async def second() -> None:
        async with locks.hold("a"):
            order.append("second")

    tasks = [asyncio.create_task(first()), asyncio.create_task(second())]
    await inside.wait()
    async with locks.hold("b"):
        order.append("other")
    may_leave.set()
    await asyncio.gather(*tasks)
    assert ["other", "first", "second"] == order
    assert not locks._locks


async def test_who_gives_up_waiting_leaves_the_lock_to_others() -> None:
    locks = NamedLocks()

    async def hold() -> None:
        async with locks.hold("a"):
            pass

    async def waits() -> bool:
        return locks._locks["a"].users == 3

    async with locks.hold("a"):
        gone, next_one = asyncio.create_task(hold()), asyncio.create_task(hold())
        await eventually(waits)
        gone.cancel()
    await asyncio.wait({gone, next_one})
    assert gone.cancelled()
    assert next_one.exception() is None
    assert not locks._locks
