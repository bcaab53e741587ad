"""The messages of the wire (RFC 7644 section 3): PATCH operations, queries and lists."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from scim_asgi.protocol.dialects.messages import member
from scim_asgi.protocol.errors import (
    InvalidCount,
    InvalidPath,
    InvalidSyntax,
    InvalidValue,
    PayloadTooLarge,
)
from scim_asgi.protocol.limits import DEFAULT_LIMITS, Limits

LIST_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
SEARCH_REQUEST = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK_REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
BULK_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"

_LARGEST = 2**53 - 1


class PatchOperation(Struct, frozen=True):
    """One operation of a PATCH, its words read but its path not yet.

    Attributes:
        op: ``add``, ``remove`` or ``replace``.
        path: The path as written, None when there is none.
        value: The value, UNSET when there is none.
        place: Its index among the operations, for errors.
    """

    op: str
    path: str | None
    value: Any | UnsetType
    place: int = 0


class Query(Struct, frozen=True, kw_only=True):
    """What a list is asked for (RFC 7644 sections 3.4.2 and 3.4.3, RFC 9865).

    Attributes:
        filter: The filter's text.
        sort_by: The path to sort by.
        descending: Whether the order is reversed.
        start_index: The 1-based index of the first resource.
        count: How many resources at most; None for the server's default.
        cursor: Where a cursor walk goes on; ``""`` begins one, None asks for index paging.
        attributes: Names to return besides those that are always returned.
        excluded_attributes: Names not to return.
    """

    filter: str | None = None
    sort_by: str | None = None
    descending: bool = False
    start_index: int = 1
    count: int | None = None
    cursor: str | None = None
    attributes: tuple[str, ...] = ()
    excluded_attributes: tuple[str, ...] = ()


def require_message(body: dict[str, Any], schema: str) -> None:
    """Check that a message says what it is.

    Raises:
        InvalidSyntax: Its `schemas` lack the URN.
    """
    schemas = member(body, "schemas")
    named = schemas if isinstance(schemas, list) else []
    if schema in named:
        return
    if schema.casefold() not in [urn.casefold() for urn in named if isinstance(urn, str)]:
        msg = f'"schemas" has to be a list with "{schema}" in it.'
        raise InvalidSyntax(msg)


def operations_of(body: dict[str, Any], schema: str) -> list[Any]:
    """Return the operations of a PatchOp or BulkRequest message.

    Raises:
        InvalidSyntax: It is none, or has no operations.
    """
    require_message(body, schema)
    operations = member(body, "Operations")
    if not isinstance(operations, list) or not operations:
        msg = '"Operations" has to be a list of at least one operation.'
        raise InvalidSyntax(msg)
    return operations


def read_patch(body: dict[str, Any], limits: Limits = DEFAULT_LIMITS) -> list[PatchOperation]:
    """Read a PatchOp message (RFC 7644 section 3.5.2); names and operations in any case.

    Raises:
        InvalidSyntax: It is none, or an operation has no known `op`.
        InvalidPath: A path is not text.
        PayloadTooLarge: It has too many operations.
    """
    operations = operations_of(body, PATCH_OP)
    if len(operations) > limits.patch_operations:
        msg = (
            f"The PATCH has {len(operations)} operations; at most {limits.patch_operations} fit in "
            "one. Send several."
        )
        raise PayloadTooLarge(msg)
    return [_read_operation(each, index) for index, each in enumerate(operations)]


def _read_operation(operation: Any, index: int) -> PatchOperation:
    if not isinstance(operation, dict):
        msg = f'"Operations[{index}]" has to be an object with op, path and value.'
        raise InvalidSyntax(msg)
    op = operation.get("op") or member(operation, "op")
    folded = op.casefold() if isinstance(op, str) else None
    if folded not in ("add", "remove", "replace"):
        msg = f'"Operations[{index}].op" has to be add, remove or replace.'
        raise InvalidSyntax(msg)
    path = operation.get("path") or member(operation, "path")
    if path is not None and not isinstance(path, str):
        msg = f'"Operations[{index}].path" has to be text.'
        raise InvalidPath(msg)
    value = member(operation, "value", UNSET)
    return PatchOperation(folded, path or None, value, index)


def read_search(body: dict[str, Any]) -> Query:
    """Read a SearchRequest message (RFC 7644 section 3.4.3).

    Raises:
        InvalidSyntax: It is none.
        InvalidValue: A member has the wrong type; the detail names it.
        InvalidCount: It has a cursor, and a count that is no whole number.
    """
    require_message(body, SEARCH_REQUEST)
    start_index, count = member(body, "startIndex"), member(body, "count")
    cursor = _text(body, "cursor")
    return Query(
        filter=_text(body, "filter"),
        sort_by=_text(body, "sortBy"),
        descending=is_descending(_text(body, "sortOrder")),
        start_index=1 if start_index is None else whole_number("startIndex", start_index),
        count=None if count is None else read_count(count, cursor),
        cursor=cursor,
        attributes=_names(body, "attributes"),
        excluded_attributes=_names(body, "excludedAttributes"),
    )


def _text(body: dict[str, Any], name: str) -> str | None:
    value = member(body, name)
    if value is not None and not isinstance(value, str):
        msg = f'"{name}" has to be text.'
        raise InvalidValue(msg)
    return value


def _names(body: dict[str, Any], name: str) -> tuple[str, ...]:
    value = member(body, name)
    if value is None:
        return ()
    if isinstance(value, str):
        return split_names(value)
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        msg = f'"{name}" has to be a list of attribute names.'
        raise InvalidValue(msg)
    return tuple(value)


def split_names(text: str) -> tuple[str, ...]:
    """Split a comma-separated list of attribute names."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def whole_number(name: str, value: Any) -> int:
    """Read the value of `startIndex` or `count`, a number or its text.

    It is bounded by what every reader of JSON tells apart (RFC 8259 section 6).

    Raises:
        InvalidValue: It is no whole number.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return _bounded(value)
    text = value.strip() if isinstance(value, str) else ""
    if not text.removeprefix("-").isascii() or not text.removeprefix("-").isdecimal():
        msg = f'"{name}" has to be a whole number.'
        raise InvalidValue(msg)
    return _bounded(int(text[:20]))


def _bounded(number: int) -> int:
    return max(-_LARGEST, min(number, _LARGEST))


def read_count(value: Any, cursor: str | None) -> int:
    """Read the value of `count`, a number or its text; the error follows the kind of paging.

    Raises:
        InvalidValue: It is no whole number.
        InvalidCount: Likewise, in a cursor walk (RFC 9865 section 2.1).
    """
    try:
        return whole_number("count", value)
    except InvalidValue as error:
        if cursor is None:
            raise
        raise InvalidCount(error.detail) from None


def is_descending(order: str | None) -> bool:
    """Read a `sortOrder` in any case; ascending when it is not given.

    Raises:
        InvalidValue: It is neither ascending nor descending.
    """
    folded = (order or "ascending").casefold()
    if folded not in ("ascending", "descending"):
        msg = '"sortOrder" has to be ascending or descending.'
        raise InvalidValue(msg)
    return folded == "descending"


def list_response(
    resources: list[Any], *, total: int, start_index: int | None = None, **cursors: str | None
) -> dict[str, Any]:
    """Return a ListResponse message (RFC 7644 section 3.4.2, RFC 9865 section 2).

    Args:
        resources: This page.
        total: How many resources match in all.
        start_index: The 1-based index of the first one; None in a cursor walk.
        cursors: `nextCursor` and the like; left out when None.
    """
    message: dict[str, Any] = {"schemas": [LIST_RESPONSE], "totalResults": total}
    if start_index is not None:
        message["startIndex"] = start_index
    message["itemsPerPage"] = len(resources)
    message |= {name: cursor for name, cursor in cursors.items() if cursor is not None}
    message["Resources"] = resources
    return message
