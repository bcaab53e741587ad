"""Endpoints of the attribute mapping."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct
from starlette.responses import Response

from scim_asgi.admin.errors import Invalid, not_found, problem
from scim_asgi.admin.routes import SCIM, Asked, Route, answer
from scim_asgi.admin.versions import Kept, save, tagged, unusable, version_routes
from scim_asgi.mapping.attempts import Explanation
from scim_asgi.mapping.errors import MappingError
from scim_asgi.protocol.errors import NotFound, ScimError
from scim_asgi.provisioning.mappings import MappingVersion
from scim_asgi.provisioning.previews import Preview
from scim_asgi.provisioning.remapping import MappingStatus

_Mapping = dict[str, str]


class MappingBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The override over the defaults: SCIM path to account field. `{}` is the defaults."""

    mapping: _Mapping


class MappingAnswer(Struct, frozen=True, kw_only=True):
    """The mapping that is in force.

    Attributes:
        mapping: The override; `{}` when the defaults are in force.
        defaults: The defaults.
        status: How far mapping the accounts anew has come; None when that never was needed.
    """

    mapping: _Mapping
    defaults: _Mapping
    status: MappingStatus | None


class PreviewBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to map: the id of a stored user, or a User as JSON; and perhaps another override."""

    user_id: str | None = None
    resource: dict[str, Any] | None = None
    mapping: _Mapping | None = None


class PreviewAnswer(Struct, frozen=True, kw_only=True):
    """What a mapping makes of a user.

    Attributes:
        account: The account as hooks would get it; None where there is a problem.
        fields: For each field of the account what was tried for it, and what came of it.
        problem: Why the mapping makes no account; empty where it does.
        notes: What the provisioning log would say.
    """

    account: dict[str, Any] | None
    fields: list[Explanation]
    problem: str
    notes: list[str]


class MappingHistory(Struct, frozen=True, kw_only=True):
    """The overrides that were saved, newest first, each with what it changed."""

    data: list[MappingVersion]


async def get_mapping(asked: Asked) -> Response:
    mappings = asked.runtime.mappings
    current = await mappings.current(asked.organization_id)
    shown = MappingAnswer(
        mapping={} if current is None else current.override,
        defaults=mappings.defaults(),
        status=await mappings.status(asked.organization_id),
    )
    return tagged(shown, current)


_KEPT = Kept(
    path=f"{SCIM}/attribute-mappings",
    name="attribute_mappings",
    field="mapping",
    several="overrides",
    earlier="an earlier override",
    use_case=lambda asked: asked.runtime.mappings,
    show=get_mapping,
    answer=MappingAnswer,
    history=MappingHistory,
)


async def set_mapping(asked: Asked) -> Response:
    wanted: MappingBody = asked.body
    return await save(_KEPT, asked, wanted.mapping)


async def preview(asked: Asked) -> Response:
    wanted: PreviewBody = asked.body
    if (wanted.user_id is None) == (wanted.resource is None):
        msg = 'Give either "user_id" or "resource".'
        raise Invalid([problem("param_invalid", msg, "user_id")])
    try:
        found: Preview[Any] = await asked.runtime.mappings.preview(
            asked.organization_id,
            user_id=wanted.user_id,
            resource=wanted.resource,
            override=wanted.mapping,
        )
    except MappingError as error:
        raise unusable(error, "mapping") from error
    except NotFound as error:
        msg = "This organization has no user with this id."
        raise not_found(msg, "user_id") from error
    except ScimError as error:
        raise Invalid([problem("param_invalid", error.detail, "resource")]) from error
    return answer(
        PreviewAnswer(
            account=None if found.account is None else msgspec.to_builtins(found.account),
            fields=list(found.fields),
            problem=found.problem,
            notes=list(found.notes),
        )
    )


ROUTES = (
    Route(
        method="GET",
        path=_KEPT.path,
        name="get_attribute_mappings",
        is_versioned=True,
        summary="Get the override over the default mapping.",
        needs="read",
        handler=get_mapping,
        answer=MappingAnswer,
    ),
    Route(
        method="PUT",
        path=_KEPT.path,
        name="set_attribute_mappings",
        is_versioned=True,
        summary="Replace the override; an empty one reverts to the defaults.",
        needs="manage",
        handler=set_mapping,
        body=MappingBody,
        answer=MappingAnswer,
    ),
    Route(
        method="POST",
        path=f"{_KEPT.path}/preview",
        name="preview_attribute_mappings",
        summary="See the account that a mapping makes of a user, and why. Nothing is changed.",
        needs="read",
        handler=preview,
        body=PreviewBody,
        answer=PreviewAnswer,
    ),
    *version_routes(_KEPT),
)
