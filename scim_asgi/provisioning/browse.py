"""Lists of resources for people: searched by a part of a name, newest first.

A list reads stretch after stretch, each in a transaction of its own, so that a search through a
million users keeps nobody waiting. It stops after so many and says where to go on.
"""

from __future__ import annotations

import re
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from scim_asgi.errors import ScimAsgiError
from scim_asgi.protocol.comparison import fold
from scim_asgi.store.base import Store, Transaction
from scim_asgi.store.records import ResourceRecord
from scim_asgi.store.selections import AccountFilter, Browse, Browsed, MemberFilter

_STRETCH = 2_000
_MOST = 20_000
_CURSOR = re.compile(r"[0-9a-f]{1,14}", re.ASCII)


class BrowseCursorUnknown(ScimAsgiError):
    """A cursor that no list of users or groups has given."""


class Found(Struct, frozen=True):
    """What a list has found.

    Attributes:
        numbers: The numbers of the resources.
        next_cursor: Where to go on; None when there is no more.
    """

    numbers: list[int]
    next_cursor: str | None


async def browse(
    store: Store,
    organization_id: str,
    resource_type: str,
    *,
    search: str = "",
    active: bool | None = None,
    state: AccountFilter | None = None,
    members: MemberFilter | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Found:
    """Return the resources of a page.

    Whoever is found by a whole userName, e-mail address, externalId, displayName or id is
    returned alone.

    Raises:
        BrowseCursorUnknown: The cursor is none.
    """
    text = search.strip()
    is_filtered = any(each is not None for each in (active, state, members))
    wanted = Browse(
        organization_id=organization_id,
        resource_type=resource_type,
        text=text,
        folded=fold(text),
        active=active,
        state=state,
        members=members,
        before=_position(cursor),
        stretch=_STRETCH if text or is_filtered else limit + 1,
        limit=limit + 1,
    )
    if text and cursor is None:
        exact = await store.read(lambda tx: tx.browser.named(wanted))
        if exact:
            return Found(exact, None)
    return await _search(store, wanted, limit)


async def _search(store: Store, wanted: Browse, limit: int) -> Found:
    numbers: list[int] = []
    for _ in range(_MOST // _STRETCH):
        asked = replace(wanted, limit=limit + 1 - len(numbers))
        found = await store.read(partial(_stretch, asked=asked))
        numbers += found.numbers
        if len(numbers) > limit:
            return Found(numbers[:limit], f"{numbers[limit - 1]:x}")
        if found.is_last:
            return Found(numbers, None)
        wanted = replace(wanted, before=found.end)
    return Found(numbers, f"{wanted.before:x}")


def _stretch(tx: Transaction, asked: Browse) -> Browsed:
    return tx.browser.stretch(asked)


def _position(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not _CURSOR.fullmatch(cursor):
        msg = "The cursor is none of this list's; send it back as next_cursor gave it."
        raise BrowseCursorUnknown(msg)
    return int(cursor, 16)


def records(tx: Transaction, organization_id: str, numbers: list[int]) -> list[ResourceRecord]:
    """Return the resources with these numbers, in this order; one that has gone is left out."""
    found = (tx.resources.by_number(number) for number in numbers)
    return [each for each in found if each is not None and each.organization_id == organization_id]
