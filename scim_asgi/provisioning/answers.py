"""Answers of the use cases: a resource on its way out, and what failed on the way."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import Any, TypeVar

from msgspec import Struct

from scim_asgi.protocol.definitions import Registry, ResourceDefinition
from scim_asgi.protocol.errors import TooMany, Unavailable, Uniqueness
from scim_asgi.protocol.projection import Projection
from scim_asgi.provisioning.caller import Caller
from scim_asgi.provisioning.representation import Representations, etag, load_related
from scim_asgi.provisioning.units import Changed
from scim_asgi.store.base import Store
from scim_asgi.store.errors import NotUnique, QueryTooSlow, StoreUnavailable
from scim_asgi.store.records import Related, ResourceRecord

logger = logging.getLogger("scim_asgi")

T = TypeVar("T")


class Answer(Struct, frozen=True, kw_only=True):
    """A resource on its way out.

    Attributes:
        status: The HTTP status code.
        resource: The body; None when there is none.
        etag: The entity tag.
        location: The resource's URL.
    """

    status: int
    resource: dict[str, Any] | None = None
    etag: str | None = None
    location: str | None = None


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
        self, caller: Caller, changed: Changed, projection: Projection, status: int
    ) -> Answer:
        """Return the answer with a changed resource; its members are read where they are asked for."""
        record, definition = changed.record, projection.definition
        related = changed.related
        if not is_read_briefly(definition, projection):
            loaded = await self._store.read(
                lambda tx: load_related(tx, definition, [record.number], projection)
            )
            related = loaded[record.number]
        return self.shown(caller, record, related, projection, status)

    def whole(self, caller: Caller, changed: Changed) -> dict[str, Any]:
        """Return a changed resource with everything in it that is no member."""
        make = Representations(self._registry, caller.base_url)
        return make.whole(changed.record, changed.related)

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
        return Answer(
            status=status,
            resource=projection.apply(whole),
            etag=etag(record),
            location=whole["meta"]["location"],
        )

    def empty(self, caller: Caller, record: ResourceRecord, status: int) -> Answer:
        """Return an answer without a body."""
        make = Representations(self._registry, caller.base_url)
        location = make.location(record.resource_type, record.id)
        return Answer(status=status, etag=etag(record), location=location)


def is_read_briefly(definition: ResourceDefinition, projection: Projection) -> bool:
    """Return whether a resource is a few rows: not where it has any number of members."""
    return not any(
        projection.wants(definition.attributes[name.casefold()])
        for name in definition.row_attributes
    )


async def guarded(work: Awaitable[T]) -> T:
    """Await work on the store, and say what the store says in the words of the protocol.

    Raises:
        Unavailable: The database is busy or cannot be reached.
        Uniqueness: Two changes at once wanted the same unique value.
        TooMany: A query took too long.
    """
    try:
        return await work
    except StoreUnavailable as error:
        logger.warning("%s", error)
        msg = "The server's database is busy or cannot be reached; try again."
        raise Unavailable(msg, 5) from error
    except QueryTooSlow as error:
        msg = (
            f"{error} Look up by id, userName, externalId or e-mail address with eq, send fewer "
            "terms and no sortBy, or exclude members."
        )
        raise TooMany(msg) from error
    except NotUnique as error:
        msg = f'Another resource has this "{error.path}".'
        raise Uniqueness(msg) from error
