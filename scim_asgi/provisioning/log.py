"""The provisioning log: rows as they are begun, read and shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from scim_asgi.ids import uuid7
from scim_asgi.protocol.errors import ScimError
from scim_asgi.provisioning.caller import Caller
from scim_asgi.provisioning.clock import now
from scim_asgi.store.records import LogRecord

_SHOWN = 20


def request_row(caller: Caller) -> LogRecord:
    """Return a row that says who asked for what, and nothing yet of how it ended."""
    return LogRecord(
        organization_id=caller.organization_id,
        at=now(),
        action="",
        status=0,
        request_id=caller.request_id or uuid7(),
        directory=caller.directory,
        token_prefix=caller.token_prefix,
        method=caller.method,
        path=caller.path,
    )


def with_error(row: LogRecord, error: ScimError, *, failed: bool) -> LogRecord:
    """Return a row that says how a request was refused, or that it failed.

    What was refused is undone; what has failed stays wanted, and in the resource.
    """
    return replace(
        row,
        action="failed" if failed else "refused",
        status=error.status if row.method else 0,
        scim_type=error.scim_type,
        detail=error.detail,
        changes={},
        attributes=row.attributes if failed else {},
        members=row.members if failed else {},
    )


def passed_over(names: Iterable[str]) -> tuple[str, ...]:
    """Return what the log says of what was passed over: the first of it, and how much more."""
    names = list(names)
    if not names:
        return ()
    notes = [f"passed over, because it means nothing here: {name[:200]}" for name in names[:_SHOWN]]
    if len(names) > _SHOWN:
        notes.append(f"passed over as well: {len(names) - _SHOWN} more")
    return tuple(notes)


def name_of(document: dict[str, Any]) -> str:
    """Return what people call a resource."""
    for name in ("userName", "displayName", "label", "name"):
        value = document.get(name)
        if isinstance(value, str):
            return value
    return ""
