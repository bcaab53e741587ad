"""What an expression can give and how much work it can be, worked out when it is saved."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from scim_asgi.mapping.errors import ExpressionError
from scim_asgi.mapping.filters import MAX_RESULT, MAX_SEARCH, MAX_VALUE
from scim_asgi.mapping.kinds import LIST, TEXT, Kinds, kind_of, said

BUDGET_NS = 1_000_000
"""How long an evaluation may take, in nanoseconds."""

_ALLOWED_NS = BUDGET_NS // 2
"""What the estimate may come to: a slower machine keeps the budget too."""
_NS_PER_CHARACTER = {"downcase": 20, "upcase": 20, "strip": 4, "split": 3, "replace": 5}
"""Measured on texts of the worst kind, in and out; what is missing costs 1."""
_NS_PER_COMPARISON = 0.3
_GROWTH = {"downcase": 2, "upcase": 3}
"""How many characters one character becomes at most (Unicode's special casing)."""


class Argument(Struct, frozen=True):
    """What a filter is given: the variable `value`, or a constant."""

    constant: Any = None
    is_value: bool = False

    @property
    def is_nothing(self) -> bool:
        """Whether it is no constant that could come out of an expression."""
        return self.is_value or self.constant is None or self.constant == ""

    @property
    def longest(self) -> int:
        """How many characters its text has at most."""
        return MAX_VALUE if self.is_value else len(str(self.constant or ""))

    @property
    def shortest(self) -> int:
        """How many characters its text has at least, where that is not none."""
        return 1 if self.is_value else max(1, self.longest)


class Call(Struct, frozen=True):
    """One filter of an expression, with where it stands."""

    name: str
    arguments: tuple[Argument, ...]
    position: int


class Constant(Struct, frozen=True):
    """A literal that may come out of an expression as it is, with where it stands."""

    value: Any
    position: int


class Shape(Struct, frozen=True, kw_only=True):
    """What a value may be.

    Attributes:
        kinds: What it may be, constants aside.
        items: What the items may be where it is a list.
        constants: The constants that it may be.
        longest: How many characters it has at most.
    """

    kinds: Kinds
    items: Kinds
    constants: tuple[Constant, ...] = ()
    longest: int = MAX_VALUE

    @property
    def all_kinds(self) -> Kinds:
        """What it may be, constants included."""
        found = (kind_of(each.value) for each in self.constants)
        return self.kinds | {kind for kind in found if kind is not None}


def analyse(start: Argument, calls: tuple[Call, ...], source: Shape, position: int) -> Shape:
    """Return what an expression can give.

    Args:
        start: What stands in front of the filters.
        calls: The filters, in order.
        source: What the variable `value` may be.
        position: Where the expression begins.

    Raises:
        ExpressionError: It can give nothing at all, or could take longer than its budget.
    """
    constants = () if start.is_nothing else (Constant(start.constant, position),)
    kinds = source.kinds if start.is_value else frozenset[Any]()
    shape = replace(source, kinds=kinds, constants=constants, longest=start.longest)
    spent = 0.0
    for call in calls:
        _check_kinds(call, shape, source)
        after = _apply(call, shape, source)
        spent += _work(call, shape.longest, after.longest)
        if spent > _ALLOWED_NS:
            msg = (
                "the expression could take longer than 1 ms on a long value; use fewer filters, "
                "or filters that lengthen the text less"
            )
            raise ExpressionError(msg, call.position)
        shape = after
    if not shape.all_kinds:
        msg = "the expression never gives anything"
        raise ExpressionError(msg, position)
    return shape


def _work(call: Call, before: int, after: int) -> float:
    """Return how many nanoseconds a filter takes at most, from a length to another."""
    work = float(_NS_PER_CHARACTER.get(call.name, 1) * (before + after))
    if call.name in ("replace", "split"):
        mark = call.arguments[0]
        comparisons = min((before - mark.shortest + 1) * mark.longest, MAX_SEARCH)
        # What grows is counted before it is built.
        searches = 2 if after > before else 1
        work += _NS_PER_COMPARISON * max(0, comparisons) * searches
    return work


def _check_kinds(call: Call, shape: Shape, source: Shape) -> None:
    """Refuse a filter that can do nothing with whatever it gets."""
    if call.name in ("first", "last"):
        if "list" not in shape.all_kinds:
            found = said(shape.all_kinds)
            msg = f"the filter {call.name} takes an item of a list, and here it always gets {found}"
            raise ExpressionError(msg, call.position)
    elif call.name != "default":
        given = [shape.all_kinds, *(source.kinds for each in call.arguments if each.is_value)]
        if LIST in given:
            msg = (
                f"the filter {call.name} takes text, and here it always gets a list; pick an item "
                "with first or last"
            )
            raise ExpressionError(msg, call.position)


def _apply(call: Call, shape: Shape, source: Shape) -> Shape:
    if call.name in ("first", "last"):
        return replace(shape, kinds=shape.items, constants=())
    if call.name == "default":
        return _with_default(call, shape, source)
    longest = min(_longest(call, shape.longest), MAX_RESULT)
    if call.name == "split":
        return Shape(kinds=LIST, items=TEXT, longest=longest)
    return Shape(kinds=TEXT, items=frozenset(), longest=longest)


def _with_default(call: Call, shape: Shape, source: Shape) -> Shape:
    (other,) = call.arguments
    longest = max(shape.longest, other.longest)
    if other.is_value:
        return replace(
            shape,
            kinds=shape.kinds | source.kinds,
            items=shape.items | source.items,
            longest=longest,
        )
    constants = () if other.is_nothing else (Constant(other.constant, call.position),)
    return replace(shape, constants=(*shape.constants, *constants), longest=longest)


def _longest(call: Call, length: int) -> int:
    if call.name == "replace":
        old, new = call.arguments[0], (*call.arguments, Argument(""))[1]
        return length + length // old.shortest * max(0, new.longest - old.shortest)
    more = sum(each.longest for each in call.arguments if call.name in ("append", "prepend"))
    return length * _GROWTH.get(call.name, 1) + more
