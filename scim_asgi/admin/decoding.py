"""Bodies and queries as structs, with everything that is wrong with them at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar, get_type_hints

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec.structs import FieldInfo, fields

from scim_asgi.admin.errors import ErrorItem, Invalid, problem
from scim_asgi.redaction import shown

S = TypeVar("S", bound=Struct)

_MOST_UNKNOWN = 20
"""How many unknown names an answer lists: it is not to be longer than the request."""


def decode_body(kind: type[S], value: Any) -> S:
    """Return a decoded JSON body as a struct.

    Raises:
        Invalid: It cannot be one.
    """
    if not isinstance(value, dict):
        raise Invalid([problem("body_invalid", "The body has to be a JSON object.")])
    return _decode(kind, value, strict=True, what="field of the body")


def decode_query(kind: type[S], parameters: Mapping[str, list[str]]) -> S:
    """Return query parameters as a struct.

    Raises:
        Invalid: They cannot be one.
    """
    doubled = [
        problem("param_invalid", f'The query parameter "{name}" is there twice.', name)
        for name, values in ((shown(name, 64), each) for name, each in parameters.items())
        if len(values) > 1
    ]
    if doubled:
        raise Invalid(doubled)
    values = {name: given[0] for name, given in parameters.items()}
    return _decode(kind, values, strict=False, what="query parameter")


def _decode(kind: type[S], given: dict[str, Any], *, strict: bool, what: str) -> S:
    known = fields(kind)
    types = get_type_hints(kind, include_extras=True)
    items = list(islice(_unknown(given, known, what), _MOST_UNKNOWN))
    values: dict[str, Any] = {}
    for field in known:
        if field.encode_name not in given:
            items += _missing(field, what)
            continue
        try:
            value = msgspec.convert(given[field.encode_name], types[field.name], strict=strict)
        except msgspec.ValidationError as error:
            items.append(_invalid(field.encode_name, what, str(error)))
            continue
        if value is None and not strict:
            # Without strict the text "null" is null; a query leaves out what it does not name.
            items.append(_invalid(field.encode_name, what, "Expected a value, got null"))
        values[field.name] = value
    if items:
        raise Invalid(items)
    return kind(**values)


def _unknown(given: dict[str, Any], known: tuple[FieldInfo, ...], what: str) -> Iterator[ErrorItem]:
    names = [field.encode_name for field in known]
    for name in given:
        if name not in names:
            takes = f"there are: {', '.join(names)}" if names else "there is none here"
            shortened = shown(name, 64)
            yield problem("param_unknown", f'No {what} is named "{shortened}"; {takes}.', shortened)


def _missing(field: FieldInfo, what: str) -> list[ErrorItem]:
    if field.default is not NODEFAULT or field.default_factory is not NODEFAULT:
        return []
    name = field.encode_name
    return [problem("param_missing", f'The {what} "{name}" is missing.', name)]


def _invalid(name: str, what: str, said: str) -> ErrorItem:
    """Return what msgspec says of a value, in our words: ``Expected …, got … - at `$[0]```."""
    text, _, place = said.partition(" - at `$")
    param, text = shown(name + place.rstrip("`"), 200), shown(text, 200)
    return problem("param_invalid", f'The {what} "{param}": {text[0].lower()}{text[1:]}.', param)
