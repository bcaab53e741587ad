"""Requests read: bodies within limits, JSON that is an object, queries decoded once."""

from __future__ import annotations

import asyncio
import re
from codecs import BOM_UTF8
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec
from starlette.types import Receive, Scope

from scim_asgi.protocol.errors import (
    InvalidFilter,
    InvalidSyntax,
    InvalidValue,
    PayloadTooLarge,
    ScimError,
    UnsupportedMediaType,
    UriTooLong,
)
from scim_asgi.protocol.limits import Limits
from scim_asgi.protocol.messages import Query, is_descending, read_count, split_names, whole_number

_decode = msgspec.json.Decoder().decode
_TEXT = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_ALONE = frozenset({b"host", b"content-length", b"content-type", b"transfer-encoding"})


class ClientGone(Exception):
    """The client went away before its request was whole."""


class RequestTimeout(ScimError):
    """The body did not arrive in time."""

    status = 408


def check_headers(scope: Scope, headers: dict[bytes, bytes]) -> None:
    """Check what a proxy in front may have read otherwise than we would (RFC 9112 section 6.3).

    Args:
        scope: The ASGI scope, with all headers.
        headers: The last one of each name.

    Raises:
        InvalidSyntax: A header that may be there once is there twice, or the body has a length
            and is chunked.
    """
    if len(headers) < len(scope["headers"]):
        names = [name for name, _ in scope["headers"] if name in _ALONE]
        for name in names:
            if names.count(name) > 1:
                msg = f'The request has the header "{name.decode()}" more than once; send it once.'
                raise _closing(InvalidSyntax(msg))
    if b"transfer-encoding" in headers and b"content-length" in headers:
        msg = "The request has Content-Length and Transfer-Encoding; send one of them."
        raise _closing(InvalidSyntax(msg))


def _closing(error: ScimError) -> ScimError:
    """Have the connection closed: what follows on it is not a request that can be trusted."""
    error.headers["Connection"] = "close"
    return error


async def read_body(headers: dict[bytes, bytes], receive: Receive, limits: Limits) -> bytes:
    """Read a request's body.

    Args:
        headers: The request's headers.
        receive: The ASGI callable.
        limits: How large it may be, and how long it may take.

    Raises:
        PayloadTooLarge: It is, or says it is, longer; the rest is not read.
        RequestTimeout: It did not arrive in time.
        ClientGone: The client went away.
    """
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length[:20]) > limits.body_bytes:
        raise _too_large(limits)
    deadline = _Deadline(limits.body_seconds)
    try:
        return await _read_chunks(receive, limits)
    except asyncio.CancelledError:
        if not deadline.is_over():
            raise
        msg = f"The body did not arrive within {limits.body_seconds:g} seconds; send it again."
        raise _closing(RequestTimeout(msg)) from None
    finally:
        deadline.end()


class _Deadline:
    """Cancels the task that has made it after some seconds: `asyncio.timeout` without a context.

    Nearly every body is there at once, and ends it before it costs more than a timer.
    """

    __slots__ = ("_before", "_has_expired", "_task", "_timer")

    def __init__(self, seconds: float) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._before = task.cancelling()
        self._has_expired = False
        self._timer = asyncio.get_running_loop().call_later(seconds, self._expire)

    def _expire(self) -> None:
        self._has_expired = True
        self._task.cancel()

    def is_over(self) -> bool:
        """Return whether a cancellation was this one's, and nobody else cancels the task."""
        return self._has_expired and self._task.cancelling() - 1 <= self._before

    def end(self) -> None:
        """Stop it, and take back what it has done."""
        self._timer.cancel()
        if self._has_expired:
            self._task.uncancel()


async def _read_chunks(receive: Receive, limits: Limits) -> bytes:
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limits.body_bytes:
            raise _too_large(limits)
        chunks.append(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks)


def _too_large(limits: Limits) -> ScimError:
    msg = (
        f"The body has more than {limits.body_bytes} bytes, the most that is read; send several "
        "requests."
    )
    return _closing(PayloadTooLarge(msg))


def decode_object(headers: dict[bytes, bytes], body: bytes, limits: Limits) -> dict[str, Any]:
    """Decode a body that has to be a JSON object.

    Whatever its Content-Type says, for admins of directories type it by hand. A byte order mark
    in front is passed over (RFC 8259 section 8.1).

    Raises:
        UnsupportedMediaType: The body is no JSON object, and the Content-Type says so.
        InvalidSyntax: The body is no JSON object, or nests too deep.
        PayloadTooLarge: It holds too many values.
        InvalidValue: A text in it is too long.
    """
    opened = body.count(b"[") + body.count(b"{")
    _check_size(body, opened, limits)
    try:
        value = _decode_object(body)
    except InvalidSyntax:
        _check_content_type(headers)
        raise
    if opened > limits.json_depth:
        _check_depth(value, limits)
    if _may_hold_long_text(body, limits):
        _check_texts(value, limits)
    return value


def _check_content_type(headers: dict[bytes, bytes]) -> None:
    content_type = headers.get(b"content-type", b"").decode("latin-1")
    media_type = content_type.partition(";")[0].strip().casefold()
    if media_type and "json" not in media_type:
        msg = f'The Content-Type "{media_type[:80]}" is not read; send "application/scim+json".'
        raise UnsupportedMediaType(msg) from None


def _decode_object(body: bytes) -> dict[str, Any]:
    try:
        value = _decode(body.removeprefix(BOM_UTF8))
    except msgspec.DecodeError as error:
        msg = f"The body is not JSON: {error}."
        raise InvalidSyntax(msg) from None
    except (RecursionError, UnicodeError):
        msg = "The body is not JSON that can be read: it nests too deep or is not UTF-8."
        raise InvalidSyntax(msg) from None
    if not isinstance(value, dict):
        msg = "The body has to be a JSON object."
        raise InvalidSyntax(msg)
    return value


def _check_size(body: bytes, opened: int, limits: Limits) -> None:
    """Check how many values a body holds, before memory is spent on them."""
    # Where no text has a comma or a bracket in it, it holds no more than this.
    if 1 + body.count(b",") + opened <= limits.json_values:
        return
    bare = _TEXT.sub(b"", body)
    if 1 + bare.count(b",") + bare.count(b"[") + bare.count(b"{") > limits.json_values:
        msg = f"The body holds more than {limits.json_values} values; send several requests."
        raise PayloadTooLarge(msg)


def _check_depth(value: Any, limits: Limits) -> None:
    level = [value]
    for _ in range(limits.json_depth):
        level = _inside(level)
        if not level:
            return
    msg = f"The body nests deeper than {limits.json_depth} levels."
    raise InvalidSyntax(msg)


def _inside(level: list[Any]) -> list[Any]:
    """Return the objects and lists in objects and lists."""
    return [
        inner
        for outer in level
        for inner in (outer.values() if type(outer) is dict else outer)
        if type(inner) is dict or type(inner) is list
    ]


def _may_hold_long_text(body: bytes, limits: Limits) -> bool:
    """Return whether a text may be too long: between two quotes, or with quotes in it."""
    if len(body) <= limits.string_length:
        return False
    return b'\\"' in body or max(map(len, body.split(b'"'))) > limits.string_length


def _check_texts(value: Any, limits: Limits) -> None:
    level = [value]
    while level:
        for outer in level:
            for text in (*outer, *outer.values()) if isinstance(outer, dict) else outer:
                if isinstance(text, str) and len(text) > limits.string_length:
                    raise _too_long(outer, text, limits)
        level = _inside(level)


def _too_long(outer: Any, text: str, limits: Limits) -> InvalidValue:
    names = (
        [name for name, value in outer.items() if value is text] if isinstance(outer, dict) else []
    )
    place = f'"{names[0][:64]}"' if names else "A text in the body"
    msg = f"{place} has {len(text)} characters; at most {limits.string_length} are read."
    return InvalidValue(msg)


def read_query(raw: bytes, limits: Limits) -> dict[str, list[str]]:
    """Return the parameters of a query string by case-folded name; ``+`` is a space.

    Raises:
        UriTooLong: The query string is too long.
        InvalidValue: It is not percent-encoded UTF-8 (InvalidFilter where it is the filter).
    """
    if len(raw) > limits.query_bytes:
        msg = (
            f"The query string has {len(raw)} bytes; at most {limits.query_bytes} are read. Send "
            "the query to .search."
        )
        raise UriTooLong(msg)
    parameters: dict[str, list[str]] = {}
    for pair in raw.split(b"&"):
        name, _, value = pair.partition(b"=")
        key = _decoded(name, "").casefold()
        parameters.setdefault(key, []).append(_decoded(value, key))
    return parameters


def _decoded(raw: bytes, name: str) -> str:
    try:
        return unquote_to_bytes(raw.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        msg = f'The query parameter "{name}" is not UTF-8 in percent-encoding.'
        raise InvalidFilter(msg) if name == "filter" else InvalidValue(msg) from None


def query_of(parameters: dict[str, list[str]]) -> Query:
    """Return what a list is asked for; unknown parameters are passed over.

    Raises:
        InvalidValue: A number or an order is none.
        InvalidCount: A count of a cursor walk is none.
    """

    def last(name: str) -> str | None:
        values = parameters.get(name)
        return None if not values else values[-1]

    start_index, count, cursor = last("startindex"), last("count"), last("cursor")
    return Query(
        filter=last("filter"),
        sort_by=last("sortby"),
        descending=is_descending(last("sortorder")),
        start_index=whole_number("startIndex", start_index) if start_index else 1,
        count=read_count(count, cursor) if count else None,
        cursor=cursor,
        attributes=names_of(parameters, "attributes"),
        excluded_attributes=names_of(parameters, "excludedattributes"),
    )


def names_of(parameters: dict[str, list[str]], name: str) -> tuple[str, ...]:
    """Return the attribute names that a query parameter lists, repeated ones united."""
    return tuple(each for value in parameters.get(name, ()) for each in split_names(value))
