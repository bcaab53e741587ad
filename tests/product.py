"""A host product for tests: it remembers what its hooks were told, and refuses when asked to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from scim_asgi import Account, HookContext

Behaviour = Callable[[Account, HookContext], Awaitable[Any]]


class Product:
    """Accounts by id, idempotent on it, with every call kept in order."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.calls: list[tuple[Account, HookContext]] = []
        self.behaviour: Behaviour | None = None

    @property
    def changes(self) -> list[str]:
        """What the hooks were asked for, in order."""
        return [context.change for _, context in self.calls]

    def account(self, address: str) -> Account:
        """Return the account with an address."""
        return next(each for each in self.accounts.values() if each.email_address == address)

    async def create(self, account: Account, context: HookContext) -> str | None:
        """Take a new account over and return a number of our own."""
        await self._take(account, context)
        return f"host-{account.id}"

    async def update(self, account: Account, context: HookContext) -> None:
        """Take changed fields over."""
        await self._take(account, context)

    async def deactivate(self, account: Account, context: HookContext) -> None:
        """Close the account."""
        await self._take(account, context)

    async def reactivate(self, account: Account, context: HookContext) -> None:
        """Open the account again."""
        await self._take(account, context)

    async def _take(self, account: Account, context: HookContext) -> None:
        self.calls.append((account, context))
        if self.behaviour is not None:
            await self.behaviour(account, context)
        self.accounts[account.id] = account


def raising(error: Exception) -> Behaviour:
    """Return a behaviour that raises."""

    async def behave(account: Account, context: HookContext) -> None:
        raise error

    return behave


async def hanging(account: Account, context: HookContext) -> None:
    """Behave as a hook that never comes back."""
    await asyncio.Event().wait()
