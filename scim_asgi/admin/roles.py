"""Endpoints of role rules."""

from __future__ import annotations

from msgspec import Struct
from starlette.responses import Response

from scim_asgi.admin.routes import SCIM, Asked, Route, answer
from scim_asgi.admin.versions import HistoryQuery, RestoreBody, if_version, refusals, tagged
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
    return await _rules(asked)


async def _rules(asked: Asked) -> Response:
    current = await asked.runtime.roles.current(asked.organization_id)
    rules = RoleRules() if current is None else current.rules
    return tagged(RoleRulesBody(rules=list(rules.rules), default=rules.default), current)


async def set_rules(asked: Asked) -> Response:
    wanted: RoleRulesBody = asked.body
    roles = asked.runtime.roles
    with refusals("rules"):
        await roles.set(
            asked.organization_id,
            RoleRules(rules=tuple(wanted.rules), default=wanted.default),
            by=asked.by,
            if_version=await if_version(asked, roles),
        )
    return await _rules(asked)


async def history(asked: Asked) -> Response:
    query: HistoryQuery = asked.query
    versions = await asked.runtime.roles.history(asked.organization_id, limit=query.limit)
    return answer(RoleRulesHistory(data=versions))


async def restore(asked: Asked) -> Response:
    wanted: RestoreBody = asked.body
    roles = asked.runtime.roles
    with refusals("version"):
        await roles.restore(
            asked.organization_id,
            wanted.version,
            by=asked.by,
            if_version=await if_version(asked, roles),
        )
    return await _rules(asked)


ROUTES = (
    Route(
        method="GET",
        path=f"{SCIM}/role-rules",
        name="get_role_rules",
        is_versioned=True,
        summary="Get which group gives which role.",
        needs="read",
        handler=get_rules,
        answer=RoleRulesBody,
    ),
    Route(
        method="PUT",
        path=f"{SCIM}/role-rules",
        name="set_role_rules",
        is_versioned=True,
        summary="Replace which group gives which role.",
        needs="manage",
        handler=set_rules,
        body=RoleRulesBody,
        answer=RoleRulesBody,
    ),
    Route(
        method="GET",
        path=f"{SCIM}/role-rules/history",
        name="list_role_rules_history",
        summary="List the role rules that were saved, newest first.",
        needs="read",
        handler=history,
        query=HistoryQuery,
        answer=RoleRulesHistory,
    ),
    Route(
        method="POST",
        path=f"{SCIM}/role-rules/restore",
        name="restore_role_rules",
        is_versioned=True,
        summary="Put earlier role rules in force again, as a new version.",
        needs="manage",
        handler=restore,
        body=RestoreBody,
        answer=RoleRulesBody,
    ),
)
