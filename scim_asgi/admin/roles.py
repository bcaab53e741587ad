"""Endpoints of role rules."""

from __future__ import annotations

from msgspec import Struct
from starlette.responses import Response

from scim_asgi.admin.routes import SCIM, Asked, Route
from scim_asgi.admin.versions import Kept, save, tagged, version_routes
from scim_asgi.mapping.roles import RoleRule, RoleRules
from scim_asgi.provisioning.roles import RolesVersion


class RoleRulesBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which group gives which role: the first rule that matches wins."""

    rules: list[RoleRule] = []
    default: str | None = None


class RoleRulesHistory(Struct, frozen=True, kw_only=True):
    """The role rules that were saved, newest first, each with what they changed."""

    data: list[RolesVersion]


async def get_rules(asked: Asked) -> Response:
    current = await asked.runtime.roles.current(asked.organization_id)
    rules = RoleRules() if current is None else current.rules
    return tagged(RoleRulesBody(rules=list(rules.rules), default=rules.default), current)


_KEPT = Kept(
    path=f"{SCIM}/role-rules",
    name="role_rules",
    field="rules",
    several="role rules",
    earlier="earlier role rules",
    use_case=lambda asked: asked.runtime.roles,
    show=get_rules,
    answer=RoleRulesBody,
    history=RoleRulesHistory,
)


async def set_rules(asked: Asked) -> Response:
    wanted: RoleRulesBody = asked.body
    return await save(_KEPT, asked, RoleRules(rules=tuple(wanted.rules), default=wanted.default))


ROUTES = (
    Route(
        method="GET",
        path=_KEPT.path,
        name="get_role_rules",
        is_versioned=True,
        summary="Get which group gives which role.",
        needs="read",
        handler=get_rules,
        answer=RoleRulesBody,
    ),
    Route(
        method="PUT",
        path=_KEPT.path,
        name="set_role_rules",
        is_versioned=True,
        summary="Replace which group gives which role.",
        needs="manage",
        handler=set_rules,
        body=RoleRulesBody,
        answer=RoleRulesBody,
    ),
    *version_routes(_KEPT),
)
