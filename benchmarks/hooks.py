"""Hooks that do nothing, for measuring what everything else takes."""

from __future__ import annotations

from scim_asgi import Account, HookContext


class Idle:
    """A product that accepts everything at once."""

    async def create(self, account: Account, context: HookContext) -> None:
        """Accept a new account."""

    async def update(self, account: Account, context: HookContext) -> None:
        """Accept changed fields."""

    async def deactivate(self, account: Account, context: HookContext) -> None:
        """Accept that an account is closed."""
