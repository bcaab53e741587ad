"""Requests read: bodies within limits, JSON that is an object, queries decoded once."""

from __future__ import annotations

import asyncio
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
from scim_asgi.protocol.messages import Query, is_descending, read_count, split_names, whole_number

MAX_DEPTH = 64
"""How deep objects and lists of a body may nest."""
MAX_QUERY = 16_384
"""The longest query string that is read, in bytes."""

_decode = msgspec.json.Decoder().decode


class ClientGone(Exception):
    """The client went away before its request was whole."""


class RequestTimeout(ScimError):
    """The body did not arrive in time."""

    status = 408


async def read_body(scope: Scope, receive: Receive, *, limit: int, seconds: float) -> bytes:
    """Read a request's body.

    Args:
        scope: The ASGI scope.
        receive: The ASGI callable.
        limit: How many bytes are read at most.
        seconds: How long the whole body may take.

    Raises:
        PayloadTooLarge: It is, or says it is, longer; the rest is not read.
        RequestTimeout: It did not arrive in time.
        ClientGone: The client went away.
    """
    length = dict(scope["headers"]).get(b"content-length", b"")
    if length.isdigit() and int(length[:20]) > limit:
        raise _too_large(limit)
    try:
        async with asyncio.timeout(seconds):
            return await _read_chunks(receive, limit)
    except TimeoutError:
        msg = f"The body did not arrive within {seconds:g} seconds."
        raise RequestTimeout(msg) from None


async def _read_chunks(receive: Receive, limit: int) -> bytes:
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks)


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(
        f"The body has more than {limit} bytes, the most that is read; send several requests."
    )


def decode_object(scope: Scope, body: bytes) -> dict[str, Any]:
    """Decode a body that has to be a JSON object.

    A missing Content-Type is fine, and so is any that names JSON, whatever its parameters.

    Raises:
        UnsupportedMediaType: The Content-Type names something else.
        InvalidSyntax: The body is no JSON object, or nests too deep.
    """
    content_type = dict(scope["headers"]).get(b"content-type", b"").decode("latin-1")
    media_type = content_type.partition(";")[0].strip().casefold()
    if media_type and "json" not in media_type:
        msg = f'The Content-Type "{media_type[:80]}" is not read; send "application/scim+json".'
        raise UnsupportedMediaType(msg)
    try:
        value = _decode(body)
    except msgspec.DecodeError as error:
        msg = f"The body is not JSON: {error}."
        raise InvalidSyntax(msg) from None
    except (RecursionError, UnicodeError):
        msg = "The body is not JSON that can be read: it nests too deep or is not UTF-8."
        raise InvalidSyntax(msg) from None
    if not isinstance(value, dict):
        msg = "The body has to be a JSON object."
        raise InvalidSyntax(msg)
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        _check_depth(value)
    return value


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return
    msg = f"The body nests deeper than {MAX_DEPTH} levels."
    raise InvalidSyntax(msg)


def read_query(scope: Scope) -> dict[str, list[str]]:
    """Return the query parameters by case-folded name; ``+`` is a space.

    Raises:
        UriTooLong: The query string is too long.
        InvalidValue: It is not percent-encoded UTF-8 (InvalidFilter where it is the filter).
    """
    raw: bytes = scope["query_string"]
    if len(raw) > MAX_QUERY:
        msg = f"The query string has more than {MAX_QUERY} bytes; send the query to .search."
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
