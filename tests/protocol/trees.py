"""Random filters and random resources of the type User, made to meet each other."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from scim_asgi.protocol.core import ENTERPRISE_USER
from scim_asgi.protocol.filters import And, Comparison, Node, Not, Or, Present, ValuePath
from scim_asgi.protocol.paths import Path

WORDS = st.sampled_from(
    ["a", "A", "b", "ab", "aB", "é", "É", "ß", "ss", "%", "_", "a%", "x_y", "😀", "名", " ", '"\\']
)
_TEXT_PATHS = st.sampled_from(
    [
        Path(None, "userName"),
        Path(None, "title"),
        Path(None, "externalId"),
        Path(None, "displayName"),
        Path(None, "name", "givenName"),
        Path(None, "emails"),
        Path(None, "emails", "value"),
        Path(None, "emails", "type"),
        Path(None, "profileUrl"),
        Path(ENTERPRISE_USER, "department"),
        Path(ENTERPRISE_USER, "manager", "value"),
    ]
)
_BOOLEAN_PATHS = st.sampled_from([Path(None, "active"), Path(None, "emails", "primary")])
_TEXT_OPERATORS = st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"])
_EQUALITY = st.sampled_from(["eq", "ne"])

comparisons: st.SearchStrategy[Node] = st.one_of(
    st.builds(Comparison, _TEXT_PATHS, _TEXT_OPERATORS, WORDS),
    st.builds(Comparison, _TEXT_PATHS, _EQUALITY, st.none(), st.just("null")),
    st.builds(Comparison, _BOOLEAN_PATHS, _EQUALITY, st.just(True), st.just("true")),
    st.builds(Comparison, _BOOLEAN_PATHS, _EQUALITY, st.just(False), st.just("false")),
    st.builds(Present, _TEXT_PATHS),
    st.builds(Present, st.sampled_from([Path(None, "name"), Path(None, "emails")])),
)
element_terms: st.SearchStrategy[Node] = st.one_of(
    st.builds(
        Comparison,
        st.sampled_from([Path(None, "type"), Path(None, "value")]),
        _TEXT_OPERATORS,
        WORDS,
    ),
    st.builds(
        Comparison, st.just(Path(None, "primary")), _EQUALITY, st.just(True), st.just("true")
    ),
    st.builds(Present, st.just(Path(None, "display"))),
)


def _several(terms: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    many = st.lists(terms, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(And, many), st.builds(Or, many), st.builds(Not, terms))


def filter_trees() -> st.SearchStrategy[Node]:
    """Trees of every kind of node, as the parser makes them."""
    inner = st.recursive(element_terms, _several, max_leaves=4)
    brackets = st.builds(ValuePath, st.just(Path(None, "emails")), inner)
    single = st.builds(
        ValuePath,
        st.just(Path(ENTERPRISE_USER, "manager")),
        st.builds(Comparison, st.just(Path(None, "value")), _EQUALITY, WORDS),
    )
    return st.recursive(st.one_of(comparisons, brackets, single), _several, max_leaves=8)


def _optional(**values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=values)


_texts = WORDS.filter(lambda word: word.strip() != "")

users = st.fixed_dictionaries(
    {"userName": _texts},
    optional={
        "title": _texts,
        "externalId": _texts,
        "displayName": _texts,
        "profileUrl": _texts,
        "active": st.booleans(),
        "name": _optional(givenName=_texts, familyName=_texts),
        "emails": st.lists(
            _optional(value=_texts, type=_texts, primary=st.booleans(), display=_texts), max_size=3
        ),
        ENTERPRISE_USER: _optional(department=_texts, manager=_optional(value=_texts)),
    },
)
"""Users as a directory sends them, without `schemas`."""
