"""A product without an account type of its own gets an Account."""

from __future__ import annotations

from typing import assert_type

from scim_asgi import Account, HookContext, RoleRule, RoleRules, ScimApp


class Hooks:
    """Hooks for accounts; names of arguments are the product's own affair."""

    async def create(self, person: Account, why: HookContext) -> None:
        assert_type(person.organization_role, str | None)

    async def update(self, person: Account, why: HookContext) -> None: ...

    async def deactivate(self, person: Account, why: HookContext) -> None: ...


assert_type(ScimApp(), ScimApp[Account])
assert_type(ScimApp("scim.db", hooks=Hooks(), roles={"org:admin"}), ScimApp[Account])
bare: ScimApp = ScimApp()
assert_type(bare, ScimApp[Account])


async def use() -> None:
    assert_type((await bare.mappings.preview("acme", user_id="1")).account, Account | None)
    assert_type(await bare.mappings.get("acme"), dict[str, str])
    assert_type(await bare.mappings.set("acme", {}), int)
    rules = RoleRules((RoleRule("Acme-Admins", "org:admin"),), default="org:member")
    assert_type(await bare.roles.set("acme", rules, if_version=0), int)
    assert_type((await bare.roles.history("acme"))[0].rules, RoleRules)
    assert_type(await bare.roles.restore("acme", 1), int)
    current = await bare.mappings.current("acme")
    assert current is not None
    assert_type(current.override, dict[str, str])
    assert_type(await bare.roles.get("acme"), RoleRules)
