"""Selections as SQL: the same text for each kind of selection, and parameters."""

from __future__ import annotations

from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from scim_asgi.protocol.conditions import Condition
from scim_asgi.protocol.definitions import ResourceDefinition
from scim_asgi.protocol.paths import Target
from scim_asgi.store.selections import Part, Selection
from scim_asgi.store.sqlite.clauses import (
    AFTER,
    LIMIT,
    OFFSET,
    ORGANIZATION,
    Clause,
    filled,
    joined,
    shifted,
)
from scim_asgi.store.sqlite.conditions import Compiler


class _Kind(Struct, frozen=True):
    """What the text of a query follows from; the rest are parameters.

    Attributes:
        definition: The resource type.
        condition: The bound filter; None for all.
        slots: How many slots it has.
        sort: What to sort by, or None.
        is_sorted: Whether anything is sorted by, with NULL where `sort` is None.
        is_walk: Whether only resources with a higher number are wanted.
    """

    definition: ResourceDefinition
    condition: Condition | None
    slots: int
    sort: Target | None
    is_sorted: bool
    is_walk: bool


def select(selection: Selection, columns: str = "r.number") -> Clause:
    """Return the query for some columns of a selection's resources, in its order.

    The first column is the number. Of what is sorted it comes with what is sorted by.
    """
    kinds = tuple(_kind(selection, part) for part in selection.parts)
    compiled = _select if _is_kept(selection.parts) else _select.__wrapped__
    values = [value for part in selection.parts for value in part.values or ()]
    return filled(compiled(kinds, columns, selection.descending), selection, values)


def count(selection: Selection, part: Part) -> Clause:
    """Return the query for how many resources of one type a selection has."""
    compiled = _count if _is_kept((part,)) else _count.__wrapped__
    kind = _kind(replace(selection, is_sorted=False, after=None), part)
    return filled(compiled(kind), selection, part.values or ())


def _kind(selection: Selection, part: Part) -> _Kind:
    return _Kind(
        part.definition,
        part.condition,
        len(part.values or ()),
        part.sort,
        selection.is_sorted,
        selection.after is not None,
    )


def _is_kept(parts: tuple[Part, ...]) -> bool:
    """Return whether the query is likely to be asked for again, with other parameters."""
    return all(part.values is not None for part in parts)


@lru_cache(maxsize=256)
def _select(kinds: tuple[_Kind, ...], columns: str, descending: bool) -> Clause:
    queries: list[Clause] = []
    slots = 0
    for kind in kinds:
        queries.append(shifted(_select_part(kind, columns), slots))
        slots += kind.slots
    query = joined(" UNION ALL ", queries)
    order = "1"
    if kinds[0].is_sorted:
        direction = "DESC" if descending else "ASC"
        order = f"2 {direction}, 3 {direction}, 1"
    return Clause(
        f"{query.sql} ORDER BY {order} LIMIT ? OFFSET ?", (*query.parameters, LIMIT, OFFSET)
    )


def _select_part(kind: _Kind, named: str) -> Clause:
    condition = _where(kind)
    columns = Clause(named)
    if kind.is_sorted:
        key = Clause("NULL")
        if kind.sort is not None:
            key = Compiler(kind.definition).sort_expression(kind.sort)
        # Unassigned last, or first when descending.
        columns = Clause(f"r.number, ({key.sql}) IS NULL, ({key.sql})", key.parameters * 2)
    return Clause(
        f"SELECT {columns.sql} FROM resources AS r WHERE {condition.sql}",
        columns.parameters + condition.parameters,
    )


@lru_cache(maxsize=256)
def _count(kind: _Kind) -> Clause:
    condition = _where(kind)
    return Clause(
        f"SELECT count(*) FROM resources AS r WHERE {condition.sql}", condition.parameters
    )


def _where(kind: _Kind) -> Clause:
    """Return the condition on the alias `r` of the table resources."""
    compiler = Compiler(kind.definition)
    clauses = [Clause("TRUE")]
    if kind.condition is not None:
        clauses.append(compiler.condition(kind.condition))
    # A value that has an index is looked up first; the + keeps the planner from the other way.
    column = "+r.organization_id" if compiler.anchored else "r.organization_id"
    space = (ORGANIZATION, kind.definition.name)
    clauses[0] = Clause(f"{column} = ? AND r.resource_type = ?", space)
    if kind.is_walk:
        clauses.append(Clause("r.number > ?", (AFTER,)))
    return joined(" AND ", clauses)
