"""Filters are prepared once for each shape, and mean what they mean without."""

from __future__ import annotations

import pytest
from hypothesis import given

from scim_asgi.protocol.conditions import (
    AllOf,
    AnyOf,
    Compare,
    Condition,
    Element,
    Negation,
    Slot,
    bind,
)
from scim_asgi.protocol.core import user_definition
from scim_asgi.protocol.errors import InvalidFilter
from scim_asgi.protocol.filters import Node, parse
from scim_asgi.protocol.limits import Limits
from scim_asgi.protocol.prepared import Prepared, prepare
from tests.protocol.trees import filter_trees

USER = user_definition()


def _whole(prepared: Prepared) -> Condition:
    """Return the condition with its values in the place of its slots."""

    def filled(condition: Condition) -> Condition:
        match condition:
            case Compare(target, operator, Slot(number)):
                assert prepared.values is not None
                return Compare(target, operator, prepared.values[number])
            case AllOf(conditions) | AnyOf(conditions):
                return type(condition)(tuple(map(filled, conditions)))
            case Negation(inner):
                return Negation(filled(inner))
            case Element(target, inner):
                return Element(target, filled(inner))
            case _:
                return condition

    return filled(prepared.condition)


@given(filter_trees())
def test_a_prepared_filter_is_the_bound_one(tree: Node) -> None:
    text = str(tree)
    # Targets are equal when they are the same; their names say enough.
    assert repr(bind(USER, parse(text))) == repr(_whole(prepare(USER, text)))


def test_filters_with_other_texts_share_their_condition() -> None:
    first = prepare(USER, 'emails[type eq "work"].value eq "Ada@Example.com"')
    second = prepare(USER, 'emails[type eq "home"].value eq "bob@example.com"')
    assert first.condition is second.condition
    assert first.values is not None
    assert {"work", "ada@example.com"} == set(first.values)


def test_a_filter_with_another_number_or_boolean_has_another_condition() -> None:
    first, second = (
        prepare(USER, f'userName eq "a" and active eq {each}') for each in (True, False)
    )
    assert first.condition != second.condition
    assert ("a",) == first.values == second.values


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "a\\"b"',  # an escape
        'userName eq "a\ue000b"',  # what stands for a text in a shape
        " or ".join(f'userName eq "{number}"' for number in range(90)),  # long
    ],
)
def test_unusual_filters_are_bound_as_a_whole(text: str) -> None:
    prepared = prepare(USER, text)
    assert prepared.values is None
    assert bind(USER, parse(text)) == prepared.condition


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('userName eq "ada" and nothing eq "b"', '"nothing"'),
        ('meta.created gt "soon" and userName eq "ada"', '"soon" is not a date'),
        ('active eq "perhaps"', '"perhaps" does not fit'),
        ('userName eq "ada" userName eq "b"', "character 19"),
    ],
)
def test_an_error_names_what_stands_in_the_filter(text: str, named: str) -> None:
    for _ in range(2):
        with pytest.raises(InvalidFilter) as refused:
            prepare(USER, text)
        assert named in refused.value.detail


def test_a_filter_is_never_longer_than_the_limit() -> None:
    limits = Limits(filter_length=20)
    prepare(USER, 'userName eq "ada"', limits)
    with pytest.raises(InvalidFilter, match="at most 20"):
        prepare(USER, f'userName eq "{"a" * 20}"', limits)
