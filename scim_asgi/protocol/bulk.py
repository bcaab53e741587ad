"""Bulk requests: read, put in order, and their `bulkId` references (RFC 7644 section 3.7)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from scim_asgi.protocol.dialects.messages import member
from scim_asgi.protocol.errors import InvalidSyntax, InvalidValue, PayloadTooLarge
from scim_asgi.protocol.limits import DEFAULT_LIMITS, Limits
from scim_asgi.protocol.messages import BULK_REQUEST, operations_of

_METHODS = ("POST", "PUT", "PATCH", "DELETE")
_WHOLE = re.compile(r"(?P<before>(?:[^\s\"]*/)?)bulkId:(?P<id>[^/\"]+)")
_QUOTED = re.compile(r'(?P<before>"(?:[^"]*/)?)bulkId:(?P<id>[^/"]+)(?=")')


class BulkOperation(Struct, frozen=True, kw_only=True):
    """One operation, its members of the right types but nothing looked up yet.

    Attributes:
        method: POST, PUT, PATCH or DELETE.
        path: The path below the base URL, as it came.
        bulk_id: What other operations call its resource; None where it has no name.
        version: The entity tag that the resource has to have.
        data: The body; UNSET when there is none.
    """

    method: str
    path: str
    bulk_id: str | None = None
    version: str | None = None
    data: Any | UnsetType = UNSET


class BulkRequest(Struct, frozen=True):
    """A bulk request.

    Attributes:
        operations: Each operation, or why it cannot be read.
        fail_on_errors: After how many errors to stop; None for never.
    """

    operations: list[BulkOperation | InvalidSyntax]
    fail_on_errors: int | None = None


def read_bulk(body: dict[str, Any], limits: Limits = DEFAULT_LIMITS) -> BulkRequest:
    """Read a BulkRequest message; names and methods in any case.

    Raises:
        InvalidSyntax: It is none.
        InvalidValue: `failOnErrors` is no whole number above zero.
        PayloadTooLarge: It has too many operations; none is carried out.
    """
    operations = operations_of(body, BULK_REQUEST)
    if len(operations) > limits.bulk_operations:
        msg = (
            f"The bulk request has {len(operations)} operations; at most "
            f"{limits.bulk_operations} fit in one. Send several."
        )
        raise PayloadTooLarge(msg)
    limit = member(body, "failOnErrors")
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        msg = '"failOnErrors" has to be a whole number of at least 1.'
        raise InvalidValue(msg)
    read: list[BulkOperation | InvalidSyntax] = []
    taken: set[str] = set()
    for index, each in enumerate(operations):
        try:
            operation = _read_operation(each, f"Operations[{index}]", taken)
        except InvalidSyntax as error:
            read.append(error)
            continue
        if operation.bulk_id is not None:
            taken.add(operation.bulk_id)
        read.append(operation)
    return BulkRequest(read, limit)


def _read_operation(operation: Any, place: str, taken: set[str]) -> BulkOperation:
    if not isinstance(operation, dict):
        msg = f'"{place}" has to be an object with method, path and data.'
        raise InvalidSyntax(msg)
    method, path = _text(operation, "method", place), _text(operation, "path", place)
    bulk_id = _text(operation, "bulkId", place)
    if method is None or method.upper() not in _METHODS:
        msg = f'"{place}.method" has to be POST, PUT, PATCH or DELETE.'
        raise InvalidSyntax(msg)
    if not path:
        msg = f'"{place}.path" has to be the path of an endpoint or a resource.'
        raise InvalidSyntax(msg)
    if method.upper() == "POST" and not bulk_id:
        msg = f'"{place}.bulkId" is required of a POST.'
        raise InvalidSyntax(msg)
    if bulk_id in taken:
        msg = f'"{place}.bulkId" is the one of an earlier operation; give each its own.'
        raise InvalidSyntax(msg)
    data = member(operation, "data", UNSET)
    if method.upper() != "DELETE" and not isinstance(data, dict):
        msg = f'"{place}.data" has to be an object: the body of the request.'
        raise InvalidSyntax(msg)
    return BulkOperation(
        method=method.upper(),
        path=path,
        bulk_id=bulk_id or None,
        version=_text(operation, "version", place),
        data=data,
    )


def _text(operation: dict[str, Any], name: str, place: str) -> str | None:
    value = member(operation, name)
    if value is not None and not isinstance(value, str):
        msg = f'"{place}.{name}" has to be text.'
        raise InvalidSyntax(msg)
    return value


def references(operation: BulkOperation) -> set[str]:
    """Return the bulkIds that an operation mentions, in its path and anywhere in its data."""
    return mentioned([operation.path, operation.data])


def mentioned(value: Any) -> set[str]:
    """Return the bulkIds that JSON mentions."""
    seen = _Seen()
    resolved(value, seen)
    return set(seen)


class _Seen(dict[str, str]):
    """Ids for every bulkId, that remember which ones were asked for."""

    def __missing__(self, name: str) -> str:
        return self.setdefault(name, "")


def resolved(value: Any, ids: Mapping[str, str]) -> Any:
    """Return JSON with every reference replaced by the id that it stands for.

    Raises:
        KeyError: One stands for nothing; its argument is the bulkId.
    """
    if isinstance(value, dict):
        return {
            key: (
                _QUOTED.sub(lambda match: match["before"] + ids[match["id"]], element)
                if key.casefold() == "path" and isinstance(element, str)
                else resolved(element, ids)
            )
            for key, element in value.items()
        }
    if isinstance(value, list):
        return [resolved(element, ids) for element in value]
    return resolved_text(value, ids) if isinstance(value, str) else value


def resolved_text(text: str, ids: Mapping[str, str]) -> str:
    """Return a text that may be a reference with the id in its place; raises KeyError."""
    match = _WHOLE.fullmatch(text) if "bulkId:" in text else None
    return text if match is None else match["before"] + ids[match["id"]]


def without(data: dict[str, Any], missing: set[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split a resource into what can be stored now and the attributes that have to wait.

    Args:
        data: The resource.
        missing: The bulkIds that stand for nothing yet.

    Returns:
        The resource without the attributes that mention one of them, and these attributes. An
        extension's attributes are taken one by one.
    """
    now: dict[str, Any] = {}
    later: dict[str, Any] = {}
    for key, value in data.items():
        if not missing & mentioned(value):
            now[key] = value
        elif key[:4].casefold() == "urn:" and isinstance(value, dict):
            now[key], later[key] = without(value, missing)
        else:
            later[key] = value
    return now, later


def in_order(operations: Sequence[BulkOperation | InvalidSyntax]) -> list[int]:
    """Return the operations' indexes with each behind those whose resources it mentions.

    Otherwise the order is the one in which they came. Where they mention each other in a circle,
    one of them comes before a resource that it mentions.
    """
    readable = {
        index: each for index, each in enumerate(operations) if isinstance(each, BulkOperation)
    }
    makers = {each.bulk_id: index for index, each in readable.items() if each.method == "POST"}
    needs = {
        index: sorted(makers[name] for name in references(each) if name in makers)
        for index, each in readable.items()
    }
    order: list[int] = []
    seen: set[int] = set()
    for index in range(len(operations)):
        stack = [(index, iter(needs.get(index, ())))] if index not in seen else []
        seen.add(index)
        while stack:
            current, ahead = stack[-1]
            following = next((each for each in ahead if each not in seen), None)
            if following is None:
                order.append(current)
                stack.pop()
            else:
                seen.add(following)
                stack.append((following, iter(needs[following])))
    return order
