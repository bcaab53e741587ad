"""The endpoint of the provisioning log: pages, and all of it as a file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Literal

from msgspec import Meta, Struct
from starlette.responses import Response, StreamingResponse

from scim_asgi.admin.people import cursor_invalid
from scim_asgi.admin.routes import HEADERS, SCIM, Asked, Route, answer
from scim_asgi.provisioning.log_entries import (
    Action,
    CursorUnknown,
    LogFilter,
    LogPage,
    WantedOutcome,
    read_cursor,
)
from scim_asgi.provisioning.log_export import csv_chunks, json_chunks

_Cursor = Annotated[str, Meta(pattern="^[0-9a-f]{1,14}-[0-9a-f]{1,14}$")]
_Time = Annotated[int, Meta(ge=0, le=2**53)]

CSV = "text/csv; charset=utf-8"
JSON_LINES = "application/x-ndjson"


class LogRequest(Struct, frozen=True, kw_only=True):
    """Which rows of the log. Times are Unix milliseconds.

    `user` is the id of a user or group, or a userName or displayName that it has had. With
    `format` csv or jsonl all rows come at once, from `cursor` on, and `limit` has no meaning.
    """

    since: _Time | None = None
    until: _Time | None = None
    outcome: WantedOutcome | None = None
    action: Action | None = None
    user: Annotated[str, Meta(min_length=1, max_length=500)] | None = None
    cursor: _Cursor | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    format: Literal["json", "csv", "jsonl"] = "json"


async def read_log(asked: Asked) -> Response:
    query: LogRequest = asked.query
    wanted = LogFilter(
        since=query.since,
        until=query.until,
        outcome=query.outcome,
        action=query.action,
        user=query.user,
    )
    log = asked.runtime.log
    try:
        if query.format == "json":
            page = await log.page(
                asked.organization_id, wanted, cursor=query.cursor, limit=query.limit
            )
            return answer(page)
        read_cursor(query.cursor)
    except CursorUnknown as error:
        raise cursor_invalid(error) from error
    rows = log.rows(asked.organization_id, wanted, cursor=query.cursor)
    if query.format == "csv":
        return await _file(csv_chunks(rows), CSV, "provisioning-log.csv")
    return await _file(json_chunks(rows), JSON_LINES, "provisioning-log.jsonl")


async def _file(chunks: AsyncIterator[bytes], media_type: str, name: str) -> Response:
    """Return chunks as a file; what fails before the first one is an error as any other."""
    first = await anext(chunks)

    async def all_chunks() -> AsyncIterator[bytes]:
        yield first
        async for chunk in chunks:
            yield chunk

    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(all_chunks(), 200, headers, media_type)


ROUTES = (
    Route(
        method="GET",
        path=f"{SCIM}/log",
        name="read_log",
        summary="Read the provisioning log, newest rows first, or export it.",
        needs="read",
        handler=read_log,
        query=LogRequest,
        answer=LogPage,
        media_types=("text/csv", JSON_LINES),
    ),
)
