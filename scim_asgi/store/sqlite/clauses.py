"""Pieces of SQL with their parameters, and how they are put together."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from scim_asgi.protocol.conditions import AllOf, AnyOf, Condition, Element, Negation


class Clause(Struct, frozen=True):
    """A piece of SQL and the values of its parameters, in order.

    Attributes:
        sql: The text.
        parameters: The values of its question marks.
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
