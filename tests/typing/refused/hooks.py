"""What the type checker has to refuse; each line that it must not accept says so."""

from __future__ import annotations

from msgspec import Struct

from scim_asgi import Account, HookContext, ScimApp


class Employee(Struct):
    """An account type."""

    id: str
    badge: int = 0


class ForAccounts:
    """Hooks that expect an Account."""

    async def create(self, account: Account, context: HookContext) -> str:
        return account.id

    async def update(self, account: Account, context: HookContext) -> None: ...

    async def deactivate(self, account: Account, context: HookContext) -> None: ...


class Incomplete:
    """Hooks without `deactivate`."""

    async def create(self, account: Account, context: HookContext) -> None: ...

    async def update(self, account: Account, context: HookContext) -> None: ...


class Blocking(Incomplete):
    """Hooks of which one is not async."""

    def deactivate(self, account: Account, context: HookContext) -> None: ...


ScimApp("scim.db", hooks=ForAccounts(), account=Employee)  # refused: misc
ScimApp("scim.db", hooks=Incomplete())  # refused: arg-type
ScimApp("scim.db", hooks=Blocking())  # refused: arg-type
ScimApp("scim.db", account=dict)  # refused: type-var

app = ScimApp("scim.db", account=Employee)


@app.on_create  # refused: arg-type
async def create(account: Account, context: HookContext) -> None: ...


@app.on_update
async def update(account: Employee, context: HookContext) -> None:
    account.email_address  # refused: attr-defined


async def preview() -> None:
    found = await app.mappings.preview("acme", user_id="1")
    assert found.account is not None
    found.account.first_name  # refused: attr-defined
    await app.mappings.set("acme", {"title": 1})  # refused: dict-item
