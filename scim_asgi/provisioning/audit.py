"""The audit: what people did to a connection, as rows of the provisioning log.

They are in the log, where people look for why something changed, and have `surface` set. The
log's limit by rows passes them over: no flood of requests pushes them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from scim_asgi.provisioning.clock import now
from scim_asgi.store.records import LogRecord

Surface = Literal["page", "api", "cli", "python"]

AuditAction = Literal[
    "token-issued",
    "token-revoked",
    "mapping-changed",
    "roles-changed",
    "released",
    "reconciled",
]


class By(Struct, frozen=True):
    """Who does something, and from where.

    Attributes:
        name: Who, as the host knows them.
        surface: The page, the API, the command line, or the host's own code.
        id: The host's id of them, where it has one: a name may change, or be another's too.
    """

    name: str = ""
    surface: Surface = "python"
    id: str = ""


def named(by: By | str) -> By:
    """Return who does something; a name alone stands for the host's own code."""
    return By(by) if isinstance(by, str) else by


def audit_row(
    organization_id: str,
    action: AuditAction,
    by: By | str,
    detail: str,
    changes: Mapping[str, Any] | None = None,
) -> LogRecord:
    """Return the row that says what somebody did, perhaps with old and new values."""
    by = named(by)
    return LogRecord(
        organization_id=organization_id,
        at=now(),
        action=action,
        status=0,
        actor=by.name,
        actor_id=by.id,
        surface=by.surface,
        detail=detail,
        changes=dict(changes or {}),
    )
