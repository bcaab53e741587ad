"""A product with an account type of its own: everything it gets has that type."""

from __future__ import annotations

from typing import assert_type

from msgspec import Struct

from scim_asgi import HookContext, ScimApp


class Employee(Struct, frozen=True, kw_only=True):
    """The product's own account."""

    id: str
    email_address: str
    badge: int | None = None


class Hooks:
    """Hooks for employees."""

    async def create(self, account: Employee, context: HookContext) -> str:
        assert_type(account.badge, int | None)
        return account.id

    async def update(self, account: Employee, context: HookContext) -> None: ...

    async def deactivate(self, account: Employee, context: HookContext) -> None: ...


app = ScimApp("scim.db", Hooks(), Employee)
assert_type(app, ScimApp[Employee])
assert_type(ScimApp("scim.db", account=Employee), ScimApp[Employee])
assert_type(ScimApp("scim.db", hooks=Hooks(), account=Employee), ScimApp[Employee])


@app.on_create
async def create(account: Employee, context: HookContext) -> str:
    return f"{account.badge}"


@app.on_update
@app.on_delete
async def change(account: Employee, context: HookContext) -> None: ...


async def preview() -> None:
    found = await app.mappings.preview("acme", user_id="1")
    assert_type(found.account, Employee | None)
