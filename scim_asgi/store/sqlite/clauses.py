"""Pieces of SQL with their parameters, and how they are put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from scim_asgi.protocol.conditions import AllOf, AnyOf, Condition, Element, Negation, Slot
from scim_asgi.store.selections import Selection

_encode = msgspec.json.Encoder().encode


class Given(Struct, frozen=True, eq=False):
    """Stands for a parameter that every selection gives.

    Attributes:
        read: Reads it.
    """

    read: Callable[[Selection], Any]


ORGANIZATION = Given(attrgetter("organization_id"))
BASE_URL = Given(attrgetter("base_url"))
ENDPOINTS = Given(lambda selection: _encode(selection.endpoints).decode())
AFTER = Given(attrgetter("after"))
LIMIT = Given(attrgetter("limit"))
OFFSET = Given(attrgetter("offset"))


class Clause(Struct, frozen=True):
    """A piece of SQL and the values of its parameters, in order.

    Attributes:
        sql: The text.
        parameters: The values of its question marks; a :class:`Given` or a :class:`Slot` where
            they differ from one selection to the next.
        is_closed: Whether it is one pair of parentheses as a whole.
    """

    sql: str
    parameters: tuple[Any, ...] = ()
    is_closed: bool = False


def joined(separator: str, clauses: list[Clause]) -> Clause:
    """Return clauses with a separator between them."""
    parameters = tuple(value for clause in clauses for value in clause.parameters)
    return Clause(separator.join(clause.sql for clause in clauses), parameters)


def parenthesised(separator: str, clauses: list[Clause], empty: str) -> Clause:
    """Return clauses as one term; `empty` where there are none."""
    if not clauses:
        return Clause(empty)
    if len(clauses) == 1:
        return clauses[0]
    inner = joined(separator, clauses)
    return Clause(f"({inner.sql})", inner.parameters, is_closed=True)


def negated(clause: Clause) -> Clause:
    """Return the clause that holds where another does not."""
    sql = clause.sql if clause.is_closed else f"({clause.sql})"
    return Clause(f"NOT {sql}", clause.parameters)


def shifted(clause: Clause, by: int) -> Clause:
    """Return a clause whose slots have higher numbers."""
    if not by:
        return clause
    parameters = tuple(
        Slot(each.number + by) if type(each) is Slot else each for each in clause.parameters
    )
    return replace(clause, parameters=parameters)


def filled(clause: Clause, selection: Selection, values: Sequence[Any]) -> Clause:
    """Return a clause with the parameters of a selection.

    Args:
        clause: The clause.
        selection: What gives parameters.
        values: What fills the slots, by number.
    """
    parameters = []
    for each in clause.parameters:
        if type(each) is Slot:
            parameters.append(values[each.number])
        elif type(each) is Given:
            parameters.append(each.read(selection))
        else:
            parameters.append(each)
    return Clause(clause.sql, tuple(parameters))


def deepest_first(conditions: tuple[Condition, ...]) -> list[Condition]:
    """Return conditions in the order that SQLite's parser needs the least of its stack for.

    What stands in front of a parenthesis stays on the stack until it is closed, and the stack
    has room for 100.
    """
    return sorted(conditions, key=_depth, reverse=True)


def _depth(condition: Condition) -> int:
    match condition:
        case AllOf(conditions) | AnyOf(conditions):
            return 1 + max(map(_depth, conditions), default=0)
        case Negation(inner) | Element(_, inner):
            return 1 + _depth(inner)
        case _:
            return 0
