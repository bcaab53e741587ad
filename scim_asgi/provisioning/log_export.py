"""The provisioning log as files: CSV for spreadsheets, JSON Lines for programs."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from scim_asgi.provisioning.log_entries import LogEntry

_COLUMNS = ("time", *(name for name in LogEntry.__struct_fields__ if name != "at"))
_FORMULA = re.compile(
    r"^(?=[\t\r\n])|(?:^|[;\t\r\n])(?=[\s\u200b-\u200d\u2060\ufeff]*[=+\-@＝＋－＠])"  # noqa: RUF001
)
"""Where a spreadsheet may take what follows for a formula: it passes over spaces, knows signs of
full width, and where people write decimals with a comma a semicolon begins the next cell."""
_CHUNK = 100

_encode = msgspec.json.Encoder().encode


async def csv_chunks(entries: AsyncIterator[LogEntry]) -> AsyncIterator[bytes]:
    """Yield rows as CSV (RFC 4180) with a header, some at a time.

    A text that a spreadsheet would run as a formula gets an apostrophe in front.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    count = 0
    async for entry in entries:
        writer.writerow([_cell(_value(entry, name)) for name in _COLUMNS])
        count += 1
        if count % _CHUNK == 0:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


async def json_chunks(entries: AsyncIterator[LogEntry]) -> AsyncIterator[bytes]:
    """Yield rows as JSON Lines, some at a time."""
    lines: list[bytes] = []
    async for entry in entries:
        lines.append(_encode(entry) + b"\n")
        if len(lines) == _CHUNK:
            yield b"".join(lines)
            lines = []
    yield b"".join(lines)


def _value(entry: LogEntry, name: str) -> Any:
    if name == "time":
        return datetime.fromtimestamp(entry.at / 1000, tz=UTC).isoformat(timespec="milliseconds")
    return getattr(entry, name)


def _cell(value: Any) -> str | int:
    if value is None or value in ({}, []):
        return ""
    if isinstance(value, int):
        return value
    text = value if isinstance(value, str) else _encode(value).decode()
    return _FORMULA.sub(r"\g<0>'", text)
