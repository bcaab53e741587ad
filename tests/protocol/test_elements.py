"""Which elements a filter in a PATCH path means."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_asgi.protocol.conditions import bind_element, element_test, elements, holds
from scim_asgi.protocol.core import user_definition
from scim_asgi.protocol.filters import parse_value_filter
from scim_asgi.protocol.schemas import Attribute
from tests.protocol.trees import WORDS, element_terms

EMAILS = user_definition().attributes["emails"]
NAMES = st.sampled_from(["type", "value", "display"])
SIMPLE = Attribute(name="tags", multi_valued=True)


@given(
    element_terms,
    st.dictionaries(NAMES, WORDS | st.none(), max_size=3) | WORDS | st.none(),
)
def test_an_element_is_picked_where_its_condition_holds(term: Any, element: Any) -> None:
    condition = bind_element(EMAILS, term)
    expected = holds(condition, next(elements(element)))
    assert expected == element_test(condition)(element)


@pytest.mark.parametrize(("element", "is_picked"), [("RED", True), ("blue", False), (1, False)])
def test_a_simple_element_is_its_own_value(element: Any, is_picked: bool) -> None:
    condition = bind_element(SIMPLE, parse_value_filter('value eq "red"'))
    assert is_picked == element_test(condition)(element)
    assert is_picked == holds(condition, next(elements(element)))
