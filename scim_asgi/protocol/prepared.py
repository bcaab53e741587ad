"""Filters parsed and bound once for each shape.

Directories send the same few filters with ever other texts in them, so a shape is a filter without
its texts.
"""

from __future__ import annotations

import re
from functools import lru_cache, partial
from typing import Any

from msgspec import Struct

from scim_asgi.protocol.conditions import Condition, Slot, bind, literal
from scim_asgi.protocol.definitions import ResourceDefinition
from scim_asgi.protocol.errors import InvalidFilter
from scim_asgi.protocol.filters import Comparison, parse
from scim_asgi.protocol.limits import DEFAULT_LIMITS, Limits
from scim_asgi.protocol.paths import Target

_LONGEST_SHAPE = 1000
_STRING = re.compile('"([^"]*)"')
_MARK = "\ue000"


class Prepared(Struct, frozen=True):
    """A filter bound to a resource type.

    Attributes:
        condition: What it means, with a :class:`Slot` in the place of each text; without, where
            `values` is None.
        values: The texts in comparable form, by the numbers of their slots.
    """

    condition: Condition
    values: tuple[Any, ...] | None = None


class _Shape(Struct, frozen=True):
    """A filter without its texts.

    Attributes:
        condition: What it means, with slots.
        slots: What fills each slot: which of the texts, compared with what.
    """

    condition: Condition
    slots: tuple[tuple[int, Target], ...]


def prepare(
    definition: ResourceDefinition,
    text: str,
    limits: Limits = DEFAULT_LIMITS,
    *,
    ignore_unknown: bool = False,
) -> Prepared:
    """Parse a filter and bind it to a resource type.

    Args:
        definition: The type.
        text: The filter.
        limits: How long and deep it may be.
        ignore_unknown: As :func:`bind` has it.

    Raises:
        InvalidFilter: As :func:`parse` and :func:`bind`.
    """
    may_have_shape = "\\" not in text and text.isprintable()
    if may_have_shape and len(text) <= min(_LONGEST_SHAPE, limits.filter_length):
        texts: list[str] = []
        without = _STRING.sub(partial(_set_aside, texts), text)
        try:
            shape = _shape(definition, without, limits, ignore_unknown=ignore_unknown)
            values = tuple(literal(target, texts[number]) for number, target in shape.slots)
            return Prepared(shape.condition, values)
        except InvalidFilter:
            pass  # It names the place in the shape, and not the text.
    node = parse(text, limits)
    return Prepared(bind(definition, node, ignore_unknown=ignore_unknown))


def _set_aside(texts: list[str], match: re.Match[str]) -> str:
    """Keep a text of a filter, and return what stands in its place, which no filter has in it."""
    texts.append(match[1])
    return f'"{_MARK}{len(texts) - 1}"'


@lru_cache(maxsize=256)
def _shape(
    definition: ResourceDefinition, text: str, limits: Limits, *, ignore_unknown: bool
) -> _Shape:
    slots: list[tuple[int, Target]] = []

    def read(target: Target, node: Comparison) -> Any:
        if not isinstance(node.value, str) or not node.value.startswith(_MARK):
            return literal(target, node.value, node.raw)
        slots.append((int(node.value[1:]), target))
        return Slot(len(slots) - 1)

    condition = bind(definition, parse(text, limits), read, ignore_unknown=ignore_unknown)
    return _Shape(condition, tuple(slots))
