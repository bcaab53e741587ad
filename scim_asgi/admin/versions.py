"""What endpoints of things with versions share: entity tags, If-Match, looking back, restoring."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Annotated, Any

from msgspec import Meta, Struct
from starlette.responses import Response

from scim_asgi.admin.errors import AdminError, Invalid, not_found, problem
from scim_asgi.admin.routes import Asked, Handler, Route, answer
from scim_asgi.mapping.errors import MappingError
from scim_asgi.provisioning.preconditions import matches, read_tags
from scim_asgi.provisioning.versions import (
    SavedVersion,
    VersionConflict,
    Versioned,
    VersionUnknown,
)

_UNSEEN = -1
"""A version that is never in force."""


class Kept(Struct, frozen=True, kw_only=True):
    """Something of which every version is kept.

    Attributes:
        path: Its endpoint.
        name: What its operations are called by.
        field: The field of a body that has its content.
        several: What its versions hold, in words.
        earlier: What one of them holds.
        use_case: Returns its use cases.
        show: Answers with what is in force.
        answer: The body of that answer.
        history: The body of the answer with its versions.
    """

    path: str
    name: str
    field: str
    several: str
    earlier: str
    use_case: Callable[[Asked], Versioned[Any, Any]]
    show: Handler
    answer: type[Struct]
    history: type[Struct]


class HistoryQuery(Struct, frozen=True, kw_only=True):
    """How many of the newest versions."""

    limit: Annotated[int, Meta(ge=1, le=500)] = 100


class RestoreBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which version is to be in force again."""

    version: Annotated[int, Meta(ge=1, le=2**53)]


def tagged(value: Any, current: SavedVersion | None) -> Response:
    """Return a value as JSON with the entity tag of the version that it is of."""
    response = answer(value)
    response.headers["ETag"] = _tag(0 if current is None else current.version)
    return response


def _tag(version: int) -> str:
    return f'"{version}"'


async def save(kept: Kept, asked: Asked, content: Any) -> Response:
    """Save something in the place of what is in force, and answer with what then is."""
    use_case = kept.use_case(asked)
    with _refusals(kept.field):
        await use_case.set(
            asked.organization_id,
            content,
            by=asked.by,
            if_version=await _if_version(asked, use_case),
        )
    return await kept.show(asked)


async def _history(kept: Kept, asked: Asked) -> Response:
    query: HistoryQuery = asked.query
    versions = await kept.use_case(asked).history(asked.organization_id, limit=query.limit)
    return answer(kept.history(data=versions))


async def _restore(kept: Kept, asked: Asked) -> Response:
    wanted: RestoreBody = asked.body
    use_case = kept.use_case(asked)
    with _refusals("version"):
        await use_case.restore(
            asked.organization_id,
            wanted.version,
            by=asked.by,
            if_version=await _if_version(asked, use_case),
        )
    return await kept.show(asked)


async def _if_version(asked: Asked, use_case: Versioned[Any, Any]) -> int | None:
    """Return which version a change was made from, by its If-Match (RFC 9110 section 13.1.1).

    Tags are compared weakly: proxies that compress make them weak.

    Returns:
        The one in force where it is one of them, one that never is where it is not, and None where
        any will do.
    """
    given = asked.request.headers.getlist("if-match")
    tags = read_tags(", ".join(given)) if given else None
    if tags is None or "*" in tags:
        return None
    current = await use_case.current(asked.organization_id)
    version = 0 if current is None else current.version
    return version if matches(tags, _tag(version)) else _UNSEEN


@contextmanager
def _refusals(field: str) -> Iterator[None]:
    """Say in the form of the API why something is not saved.

    Args:
        field: The field of the body that has it.
    """
    try:
        yield
    except VersionUnknown as error:
        raise not_found(str(error), "version") from error
    except MappingError as error:
        raise unusable(error, field) from error
    except VersionConflict as error:
        headers = {"ETag": _tag(error.version)}
        raise AdminError(
            412, "version_conflict", str(error), param="If-Match", headers=headers
        ) from error


def unusable(error: MappingError, field: str) -> Invalid:
    """Return the answer about what cannot be used: every problem by its key."""
    return Invalid(
        problem("mapping_invalid", str(each), f"{field}.{each.key}") for each in error.problems
    )


def version_routes(kept: Kept) -> tuple[Route, ...]:
    """Return the endpoints that look back at something with versions, and restore one."""
    return (
        Route(
            method="GET",
            path=f"{kept.path}/history",
            name=f"list_{kept.name}_history",
            summary=f"List the {kept.several} that were saved, newest first.",
            needs="read",
            handler=partial(_history, kept),
            query=HistoryQuery,
            answer=kept.history,
        ),
        Route(
            method="POST",
            path=f"{kept.path}/restore",
            name=f"restore_{kept.name}",
            is_versioned=True,
            summary=f"Put {kept.earlier} in force again, as a new version.",
            needs="manage",
            handler=partial(_restore, kept),
            body=RestoreBody,
            answer=kept.answer,
        ),
    )
