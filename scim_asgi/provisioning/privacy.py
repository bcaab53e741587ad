"""What the provisioning log and Python's logging say of people: all of it, or ids alone."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec.structs import replace

from scim_asgi.protocol.definitions import Registry
from scim_asgi.redaction import TOKEN_PREFIX, shown
from scim_asgi.store.records import LogRecord

_LONGEST = 1000
_NAME = 200
_METHOD = 16
_MASK = "***"
_WITHHELD = "personal data is not logged"
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_QUOTED = re.compile(r'"([^"]{1,300})"')
_INDEX = re.compile(r"\[\d+\]")
_UNAUTHORIZED = 401
"""The status of requests whose token does not work: what is said of them is ours alone."""
_WITH_VALUES = frozenset({"refused", "failed", "skipped", "warning"})
"""The actions of the background whose details name values, not only reasons."""
_MESSAGE_NAMES = [
    "schemas",
    "Operations",
    "op",
    "path",
    "value",
    "method",
    "bulkId",
    "version",
    "data",
    "failOnErrors",
    "filter",
    "sortBy",
    "sortOrder",
    "startIndex",
    "count",
    "cursor",
    "attributes",
    "excludedAttributes",
]

_TOKEN_PREFIX = TOKEN_PREFIX.encode()
_encode = msgspec.json.Encoder().encode


class LogPolicy:
    """Decides what of a row, a path and an exception is logged. Tokens never are.

    Args:
        registry: The resource types: names of attributes are no personal data.
        fields: The names of the account's fields, likewise.
        personal_data: Whether names and values are logged. Ids always are.
    """

    def __init__(self, registry: Registry, fields: Iterable[str], *, personal_data: bool) -> None:
        self._personal_data = personal_data
        self._endpoints = {each.endpoint.strip("/").casefold() for each in registry.definitions}
        self._names = {name.casefold() for name in (*_MESSAGE_NAMES, *fields, *_paths(registry))}
        self._types = set(_types(registry))
        if not personal_data:
            _withhold_messages()

    def row(self, row: LogRecord) -> LogRecord:
        """Return a row of the provisioning log as it is kept."""
        if not self._personal_data:
            row = self._masked(row)
        elif _is_harmless(row):
            return row
        return replace(
            row,
            request_id=shown(row.request_id, _NAME),
            method=shown(row.method, _METHOD),
            path=self.path(row.path),
            resource_name=shown(row.resource_name, _NAME),
            detail=shown(row.detail, _LONGEST),
            changes=_cut(row.changes) if _may_be_cut(row.changes) else row.changes,
            attributes=_cut(row.attributes) if _may_be_cut(row.attributes) else row.attributes,
            notes=[shown(note, _LONGEST) for note in row.notes],
        )

    def path(self, path: str) -> str:
        """Return a request's path as it is logged: an id may be anything that a client sends."""
        if self._personal_data:
            return shown(path, _LONGEST)
        return "/".join(self._segments(path.split("/")))

    def _segments(self, segments: list[str]) -> Iterable[str]:
        """Yield the segments of a path, those behind an endpoint only where they are ids.

        Where there is no endpoint in front of them, all may be anything.
        """
        is_endpoint = [segment.casefold() in self._endpoints for segment in segments]
        behind = not any(is_endpoint)
        for segment, harmless in zip(segments, is_endpoint, strict=True):
            kept = harmless or not behind or segment in ("", ".search") or _ID.fullmatch(segment)
            yield segment if kept else _MASK
            behind = behind or harmless

    def _masked(self, row: LogRecord) -> LogRecord:
        is_ours = row.status == _UNAUTHORIZED
        is_reason = is_ours or (not row.method and row.action not in _WITH_VALUES)
        return replace(
            row,
            resource_name=row.resource_name if _ID.fullmatch(row.resource_name) else "",
            detail=self._reason(row.detail) if is_reason else self._about(row.detail),
            # Those of role rules are names of groups.
            changes={
                name if self._is_name(name) else _MASK: _masked(change)
                for name, change in row.changes.items()
            },
            attributes={
                self._place(path): _masked(change) for path, change in row.attributes.items()
            },
            notes=[self._about(note) for note in row.notes],
        )

    def _reason(self, reason: str) -> str:
        """Return why the background did something: a request, or words of ours."""
        return " ".join(self.path(word) if "/" in word else word for word in reason.split(" "))

    def _about(self, text: str) -> str:
        """Return which attributes and fields a text is about; the rest of it may be anybody's."""
        if not text:
            return ""
        named = [each for each in _QUOTED.findall(text) if self._is_name(each)]
        about = f"about {', '.join(dict.fromkeys(named))}; " if named else ""
        return about + _WITHHELD

    def _place(self, path: str) -> str:
        """Return a path of a resource: names of attributes, and types of elements that are ours."""
        name, bracket, rest = path.partition("[")
        kind, _, sub = rest.removeprefix('type eq "').partition('"]')
        kept = name if self._is_name(name) else _MASK
        if not bracket:
            return kept
        kind = kind if kind in self._types else _MASK
        return f'{kept}[type eq "{kind}"]{sub if self._is_name(f"{name}{sub}") else f".{_MASK}"}'

    def _is_name(self, text: str) -> bool:
        name = _INDEX.sub("", text).casefold()
        return name in self._names or all(part in self._names for part in name.split("."))


def _paths(registry: Registry) -> Iterable[str]:
    for definition in registry.definitions:
        for extension, attribute in definition.all_attributes():
            prefix = "" if extension is None else f"{extension.id}:"
            yield f"{prefix}{attribute.name}"
            yield from (f"{prefix}{attribute.name}.{sub.name}" for sub in attribute.sub_attributes)


def _types(registry: Registry) -> Iterable[str]:
    """Yield what `type` of an element may be by the schemas: `work`, `home` and the like."""
    for definition in registry.definitions:
        for _, attribute in definition.all_attributes():
            for sub in attribute.sub_attributes:
                if sub.name == "type":
                    yield from sub.canonical_values


def _is_harmless(row: LogRecord) -> bool:
    """Return whether nothing in a row can be a token or too long: most are short."""
    text = f"{row.request_id} {row.path} {row.resource_name} {row.detail}"
    return not (
        len(text) > _NAME
        or TOKEN_PREFIX in text
        or len(row.method) > _METHOD
        or row.notes
        or _may_be_cut((row.changes, row.attributes))
    )


def _may_be_cut(changes: Any) -> bool:
    """Return whether changes may hold a token or a long text: they seldom do."""
    text = _encode(changes)
    return len(text) > _LONGEST or _TOKEN_PREFIX in text


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return shown(value, _LONGEST)
    if isinstance(value, dict):
        return {shown(name, _NAME): _cut(element) for name, element in value.items()}
    return [_cut(element) for element in value] if isinstance(value, list | tuple) else value


def _masked(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_masked(element) for element in value]
    return value if value is None or isinstance(value, bool) else _MASK


class _WithoutMessages(logging.Filter):
    """Leaves of an exception where it was raised and what it is; its message may name people."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and record.exc_info[1] is not None:
            record.exc_text = "\n".join(_frames(record.exc_info[1]))
            record.exc_info = None
        return True


def _frames(error: BaseException) -> list[str]:
    cause = error.__cause__ or error.__context__
    before = [] if cause is None else [*_frames(cause), "The following was raised then:"]
    where = "".join(traceback.format_tb(error.__traceback__))
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    return [*before, f"{where}{kind}: {_WITHHELD}"]


_FILTER = _WithoutMessages()


def _withhold_messages() -> None:
    """Filter all our loggers. They belong to the process, so one ScimApp decides for all."""
    for name in list(logging.root.manager.loggerDict):
        if name.split(".")[0] == "scim_asgi":
            logging.getLogger(name).addFilter(_FILTER)
