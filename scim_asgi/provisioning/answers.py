"""Answers of the use cases: a resource on its way out, and what failed on the way."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
from msgspec import Struct

from scim_asgi.protocol.definitions import Registry, ResourceDefinition
from scim_asgi.protocol.errors import ScimError, TooMany, Unavailable, Uniqueness
from scim_asgi.protocol.projection import Projection
from scim_asgi.provisioning.caller import Caller
from scim_asgi.provisioning.representation import Representations, etag, load_related
from scim_asgi.provisioning.units import Changed
from scim_asgi.store.base import Store
from scim_asgi.store.errors import NotUnique, QueryTooSlow, StoreError, StoreUnavailable
from scim_asgi.store.records import Related, ResourceRecord

logger = logging.getLogger("scim_asgi")

_encode = msgspec.json.Encoder().encode

REFUSED_BY_STORE = (StoreUnavailable, QueryTooSlow, NotUnique)
"""What the store raises and :func:`refusal_of` says in the words of the protocol."""


class Answer(Struct, frozen=True, kw_only=True):
    """A resource on its way out.

    Attributes:
        status: The HTTP status code.
        resource: The body; None when there is none.
        content: The body as JSON, where that is known.
        etag: The entity tag.
        location: The resource's URL.
    """

    status: int
    resource: dict[str, Any] | None = None
    content: bytes | None = None
    etag: str | None = None
    location: str | None = None


class Whole(Struct, frozen=True):
    """A resource with everything in it that is no member.

    Attributes:
        resource: What it is.
        content: The same as JSON.
    """

    resource: dict[str, Any]
    content: bytes


class Answers:
    """Makes answers of stored resources.

    Args:
        store: Where resources are kept.
        registry: The resource types.
    """

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store = store
        self._registry = registry

    async def of(
        self,
        caller: Caller,
        changed: Changed,
        projection: Projection,
        status: int,
        whole: Whole | None = None,
    ) -> Answer:
        """Return the answer with a changed resource; its members are read where they are asked for.

        Args:
            caller: Who asks.
            changed: What was done.
            projection: What is shown.
            status: The HTTP status code.
            whole: The resource, where it was worked out already.
        """
        record, definition = changed.record, projection.definition
        related = changed.related
        if not is_read_briefly(definition, projection):
            loaded = await self._store.read(
                lambda tx: load_related(tx, definition, [record], projection)
            )
            related, whole = loaded[record.number], None
        if whole is None:
            return self.shown(caller, record, related, projection, status)
        return _answer(whole.resource, projection, status, whole.content)

    def whole(self, caller: Caller, changed: Changed) -> Whole:
        """Return a changed resource with everything in it that is no member."""
        make = Representations(self._registry, caller.base_url)
        resource = make.whole(changed.record, changed.related)
        return Whole(resource, _encode(resource))

    def shown(
        self,
        caller: Caller,
        record: ResourceRecord,
        related: dict[str, list[Related]],
        projection: Projection,
        status: int,
    ) -> Answer:
        """Return the answer with a resource in it."""
        whole = Representations(self._registry, caller.base_url).whole(record, related)
        return _answer(whole, projection, status)

    def empty(self, caller: Caller, record: ResourceRecord, status: int) -> Answer:
        """Return an answer without a body."""
        make = Representations(self._registry, caller.base_url)
        location = make.location(record.resource_type, record.id)
        return Answer(status=status, etag=etag(record), location=location)


def _answer(
    whole: dict[str, Any], projection: Projection, status: int, content: bytes | None = None
) -> Answer:
    """Return the answer with a resource; `content` is all of it as JSON, where that is known."""
    meta = whole["meta"]
    resource = projection.apply(whole)
    return Answer(
        status=status,
        resource=resource,
        content=content if resource is whole else None,
        etag=meta["version"],
        location=meta["location"],
    )


def is_read_briefly(definition: ResourceDefinition, projection: Projection) -> bool:
    """Return whether a resource is a few rows: not where it has any number of members."""
    return not any(
        projection.wants(definition.attributes[name.casefold()])
        for name in definition.row_attributes
    )


def refusal_of(error: StoreError) -> ScimError:
    """Return what the store says in the words of the protocol.

    Args:
        error: The database is busy or cannot be reached, a query took too long, or two changes
            at once wanted the same unique value.
    """
    if isinstance(error, QueryTooSlow):
        return TooMany(
            f"{error} Look up by id, userName, externalId or e-mail address with eq, send fewer "
            "terms and no sortBy, or exclude members."
        )
    if isinstance(error, NotUnique):
        return Uniqueness(f'Another resource has this "{error.path}".')
    logger.warning("%s", error)
    return Unavailable("The server's database is busy or cannot be reached; try again.", 5)
