"""Bound filters as SQL: the database answers what `protocol.conditions.holds` defines.

Names and values are always parameters; the texts below are constants.
"""

from __future__ import annotations

from typing import Any

from scim_asgi.protocol.conditions import (
    AllOf,
    AnyOf,
    Compare,
    Condition,
    Element,
    Exists,
    Negation,
)
from scim_asgi.protocol.definitions import ResourceDefinition
from scim_asgi.protocol.paths import Target
from scim_asgi.store.sqlite.clauses import (
    BASE_URL,
    ENDPOINTS,
    ORGANIZATION,
    Clause,
    deepest_first,
    joined,
    negated,
    parenthesised,
)

_RELATIONS = {
    "eq": "{0} IS ?",
    "co": "coalesce(instr({0}, ?) > 0, 0)",
    "sw": "coalesce(substr({0}, 1, length(?)) = ?, 0)",
    "ew": "coalesce(substr({0}, length({0}) - length(?) + 1) = ?, 0)",
    "gt": "coalesce({0} > ?, 0)",
    "ge": "coalesce({0} >= ?, 0)",
    "lt": "coalesce({0} < ?, 0)",
    "le": "coalesce({0} <= ?, 0)",
}
_TWICE = frozenset({"sw", "ew"})

_META = {
    "resourceType": "r.resource_type",
    "created": "r.created * 1000",
    "lastModified": "r.last_modified * 1000",
    "version": (
        "'W/\"' || r.version || coalesce((SELECT '.' || total FROM group_changes "
        "WHERE member_number = r.number), '') || '\"'"
    ),
}
_DISPLAY = "coalesce(o.search ->> '$.displayName', o.search ->> '$.userName')"
_RELATED = {
    "value": "o.id",
    "display": _DISPLAY,
    "type": "lower(o.resource_type)",
    "$ref": "? || (? ->> o.resource_type) || '/' || o.id",
}
_RELATED_ROWS = {
    "members": (
        "SELECT m.group_number FROM memberships AS m "
        "JOIN resources AS o ON o.number = m.member_number WHERE "
    ),
    "groups": (
        "SELECT m.member_number FROM memberships AS m "
        "JOIN resources AS o ON o.number = m.group_number WHERE "
    ),
}


def json_path(*names: str) -> str:
    """Return the JSON path of nested members."""
    return "$" + "".join(f'."{name}"' for name in names)


class Compiler:
    """Turns conditions on a resource type into SQL."""

    def __init__(self, definition: ResourceDefinition) -> None:
        self._definition = definition
        self.anchored = False

    def condition(self, condition: Condition, *, top: bool = True) -> Clause:
        match condition:
            case AllOf(conditions):
                return self._all(conditions, top)
            case AnyOf(conditions):
                clauses = [self.condition(each, top=False) for each in deepest_first(conditions)]
                return parenthesised(" OR ", clauses, "FALSE")
            case Negation(inner_condition):
                return negated(self.condition(inner_condition, top=False))
            case Exists(target):
                return self._exists(target)
            case Compare():
                return self._compare(condition, top)
            case Element(target, inner_condition):
                clause = self._element(target, inner_condition)
                anchor = self._anchor(target, inner_condition) if top else None
                return clause if anchor is None else joined(" AND ", [anchor, clause])

    def _all(self, conditions: tuple[Condition, ...], top: bool) -> Clause:
        clauses = [self.condition(each, top=top) for each in deepest_first(conditions)]
        return parenthesised(" AND ", clauses, "TRUE")

    def _compare(self, compare: Compare, top: bool) -> Clause:
        target = compare.target
        relation = self._relation(target)
        if relation is not None:
            assert target.sub is not None
            inner = self._related(target.sub.name, compare)
            return Clause(f"r.number IN ({relation}{inner.sql})", inner.parameters)
        if compare.operator == "eq":
            indexed = self._indexed(target, compare.value, top)
            if indexed is not None:
                return indexed
        column = self._column(target)
        if column is not None:
            return _relate(column, compare)
        if target.attribute is not None and target.attribute.multi_valued:
            return self._some_element(target, compare)
        return _relate(_extract("r.search", self._json_path(target)), compare)

    def _indexed(self, target: Target, value: Any, top: bool) -> Clause | None:
        path = str(target)
        assert target.leaf is not None
        if path == "id":
            self.anchored = self.anchored or top
            return Clause("r.id = ?", (value,))
        held = ""
        if target.leaf.uniqueness != "none" and target.sub is None and not target.leaf.multi_valued:
            table, held = "unique_values", " AND NOT held"
        elif path in self._definition.lookups:
            table = "lookup_values"
        else:
            return None
        self.anchored = self.anchored or top
        return Clause(
            f"r.number IN (SELECT resource FROM {table} WHERE organization_id = ? "
            f"AND resource_type = ? AND path = ? AND value = ?{held})",
            (ORGANIZATION, self._definition.name, path, value),
        )

    def _anchor(self, target: Target, condition: Condition) -> Clause | None:
        """Return an indexed look-up that an element's condition implies, or None."""
        terms = condition.conditions if isinstance(condition, AllOf) else (condition,)
        for term in terms:
            if not isinstance(term, Compare) or term.operator != "eq":
                continue
            whole = Target(target.extension, target.attribute, term.target.attribute)
            indexed = self._indexed(whole, term.value, True)
            if indexed is not None:
                return indexed
        return None

    def _column(self, target: Target) -> Clause | None:
        """Return the expression of what is a column and not in the document, or None."""
        if target.extension is not None or target.attribute is None:
            return None
        if target.attribute.name == "id":
            return Clause("r.id")
        if target.attribute.name != "meta" or target.sub is None:
            return None
        if target.sub.name == "location":
            return Clause("? || ? || r.id", (BASE_URL, f"{self._definition.endpoint}/"))
        return Clause(_META[target.sub.name])

    def _relation(self, target: Target) -> str | None:
        if target.extension is not None or target.attribute is None:
            return None
        name = target.attribute.name
        known = self._definition.row_attributes | self._definition.derived_attributes
        return _RELATED_ROWS.get(name) if name in known else None

    def _related(self, sub: str, compare: Compare) -> Clause:
        if sub == "type" and self._definition.derived_attributes:
            return _relate(Clause("'direct'"), compare)
        return _relate(self._related_value(sub), compare)

    def _related_value(self, sub: str) -> Clause:
        """Return the expression of what is said of the other end of a membership."""
        if sub != "$ref":
            return Clause(_RELATED[sub])
        return Clause(_RELATED[sub], (BASE_URL, ENDPOINTS))

    def _json_path(self, target: Target) -> str:
        names = [target.extension.id] if target.extension is not None else []
        names += [each.name for each in (target.attribute, target.sub) if each is not None]
        return json_path(*names)

    def _some_element(self, target: Target, compare: Compare) -> Clause:
        whole = Target(target.extension, target.attribute)
        value = Clause("e.value")
        if target.sub is not None:
            value = _extract("e.value", json_path(target.sub.name))
        inner = _relate(value, compare)
        return Clause(
            f"EXISTS (SELECT 1 FROM json_each(r.search, ?) AS e WHERE {inner.sql})",
            (self._json_path(whole), *inner.parameters),
        )

    def _exists(self, target: Target) -> Clause:
        relation = self._relation(target)
        if relation is not None:
            return Clause(f"r.number IN ({relation}TRUE)")
        if self._column(target) is not None or (target.leaf and target.leaf.name == "meta"):
            return Clause("TRUE")
        if target.attribute is not None and target.attribute.multi_valued and target.sub:
            whole = Target(target.extension, target.attribute)
            return Clause(
                "EXISTS (SELECT 1 FROM json_each(r.search, ?) AS e "
                "WHERE json_extract(e.value, ?) IS NOT NULL)",
                (self._json_path(whole), json_path(target.sub.name)),
            )
        return Clause("json_type(r.search, ?) IS NOT NULL", (self._json_path(target),))

    def _element(self, target: Target, condition: Condition) -> Clause:
        relation = self._relation(target)
        if relation is not None:
            inner = self._in_element(condition, None)
            return Clause(f"r.number IN ({relation}{inner.sql})", inner.parameters)
        assert target.attribute is not None
        if target.attribute.name == "meta":
            return self._in_meta(target, condition)
        path = self._json_path(target)
        if not target.attribute.multi_valued:
            inner = self._in_element(condition, _extract("r.search", path))
            return Clause(
                f"(json_type(r.search, ?) IS NOT NULL AND {inner.sql})", (path, *inner.parameters)
            )
        simple = not target.attribute.is_complex
        inner = self._in_element(condition, Clause("e.value"), simple=simple)
        return Clause(
            f"EXISTS (SELECT 1 FROM json_each(r.search, ?) AS e WHERE {inner.sql})",
            (path, *inner.parameters),
        )

    def _in_meta(self, meta: Target, condition: Condition) -> Clause:
        """A value filter on meta, whose sub-attributes are columns."""
        match condition:
            case AllOf(conditions) | AnyOf(conditions):
                clauses = [self._in_meta(meta, each) for each in deepest_first(conditions)]
                both = isinstance(condition, AllOf)
                return parenthesised(
                    *((" AND ", clauses, "TRUE") if both else (" OR ", clauses, "FALSE"))
                )
            case Negation(inner_condition):
                return negated(self._in_meta(meta, inner_condition))
            case Compare(target, operator, value):
                whole = Target(None, meta.attribute, target.attribute)
                return self._compare(Compare(whole, operator, value), False)
            case _:
                return Clause("TRUE")

    def _in_element(
        self, condition: Condition, element: Clause | None, *, simple: bool = False
    ) -> Clause:
        """Compile a condition on the sub-attributes of an element; None for a related row."""
        match condition:
            case AllOf(conditions) | AnyOf(conditions):
                inner = deepest_first(conditions)
                clauses = [self._in_element(each, element, simple=simple) for each in inner]
                both = isinstance(condition, AllOf)
                return parenthesised(
                    *((" AND ", clauses, "TRUE") if both else (" OR ", clauses, "FALSE"))
                )
            case Negation(inner_condition):
                return negated(self._in_element(inner_condition, element, simple=simple))
            case Exists(target):
                assert target.attribute is not None
                value = self._sub_value(target.attribute.name, element, simple)
                return Clause(f"({value.sql}) IS NOT NULL", value.parameters)
            case Compare(target):
                assert target.attribute is not None
                if element is None:
                    return self._related(target.attribute.name, condition)
                return _relate(self._sub_value(target.attribute.name, element, simple), condition)
            case Element():
                msg = "brackets inside brackets do not parse"
                raise AssertionError(msg)

    def _sub_value(self, name: str, element: Clause | None, simple: bool) -> Clause:
        if element is None:
            return self._related_value(name)
        if simple:
            return element
        return Clause(f"json_extract({element.sql}, ?)", (*element.parameters, json_path(name)))

    def sort_expression(self, target: Target) -> Clause:
        """Return what to sort by: of several values the primary one, else the first."""
        column = self._column(target)
        if column is not None:
            return column
        relation = self._relation(target)
        attribute = target.attribute
        assert attribute is not None
        if relation is not None:
            return Clause("NULL")
        if not attribute.multi_valued:
            return _extract("r.search", self._json_path(target))
        path = self._json_path(Target(target.extension, attribute))
        if target.sub is None:
            return _extract("r.search", f"{path}[0]")
        sub = json_path(target.sub.name)
        return Clause(
            "SELECT json_extract(e.value, ?) FROM json_each(r.search, ?) AS e "
            "ORDER BY coalesce(json_extract(e.value, '$.primary'), 0) DESC, e.key LIMIT 1",
            (sub, path),
        )


def _extract(document: str, path: str) -> Clause:
    return Clause(f"json_extract({document}, ?)", (path,))


def _relate(value: Clause, compare: Compare) -> Clause:
    template = _RELATIONS[compare.operator]
    wanted = (compare.value,) * (2 if compare.operator in _TWICE else 1)
    return Clause(
        template.format(f"({value.sql})"), (*value.parameters * template.count("{0}"), *wanted)
    )
