"""Liquid expressions: what the ten filters do, and that nothing gets out of the sandbox."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scim_asgi.mapping.errors import ExpressionError, ExpressionFailure
from scim_asgi.mapping.expression import MAX_FILTERS, Expression
from scim_asgi.mapping.filters import FILTERS, MAX_ITEMS, MAX_RESULT, MAX_VALUE


@pytest.mark.parametrize(
    ("source", "value", "result"),
    [
        ("{{ value }}", "Ada", "Ada"),
        ("{{value}}", 5, 5),
        ("{{ value | downcase }}", "ÄDA", "äda"),
        ("{{ value | upcase }}", "äda", "ÄDA"),
        ("{{ value | strip }}", "  a b ", "a b"),
        ("{{ value | split: ' ' }}", "a b c", ["a", "b", "c"]),
        ("{{ value | split: ' ' | first }}", "a b c", "a"),
        ("{{ value | split: ' ' | last }}", "a b c", "c"),
        ("{{ value | first }}", ["x", "y"], "x"),
        ("{{ value | last }}", ["x", "y"], "y"),
        ("{{ value | replace: 'a', 'b' }}", "banana", "bbnbnb"),
        ("{{ value | replace: 'a' }}", "banana", "bnn"),
        ("{{ value | replace: value, 'z' }}", "banana", "z"),
        ("{{ value | prepend: 'x-' }}", "a", "x-a"),
        ("{{ value | append: '@acme.test' }}", "ada", "ada@acme.test"),
        ("{{ value | default: 'none' }}", None, "none"),
        ("{{ value | default: 'none' }}", "", "none"),
        ("{{ value | default: 'none' }}", False, "none"),
        ("{{ value | default: 'none' }}", "a", "a"),
        ("{{ value | default: 5 }}", None, 5),
        ("{{ 'fixed' }}", "a", "fixed"),
        ("{{ value | downcase }}", True, "true"),
        ("{{ value | append: '!' }}", 5, "5!"),
    ],
)
def test_an_expression_gives(source: str, value: Any, result: Any) -> None:
    assert result == Expression(source).evaluate(value)


@pytest.mark.parametrize(
    "source",
    [
        "",
        "value",
        "{{ }}",
        "{{ value",
        "{{ value }}{{ value }}",
        "{{ value }} ",
        "text {{ value }}",
        "{% assign x = 1 %}{{ x }}",
        "{% include 'x' %}",
        "{% for i in (1..1000000000) %}x{% endfor %}",
        "{{ (1..1000000000) }}",
        "{{ (1..1000000000) | first }}",
        "{{ value.size }}",
        "{{ value.__class__ }}",
        "{{ value['__class__'] }}",
        "{{ value[0] }}",
        "{{ other }}",
        "{{ value | size }}",
        "{{ value | times: 999999 }}",
        "{{ value | join: ',' }}",
        "{{ value | sort }}",
        "{{ value | default: 'x', allow_false: true }}",
        "{{ value | downcase: 1 }}",
        "{{ value | replace }}",
        "{{ value | replace: '', 'x' }}",
        "{{ value | split: '' }}",
        "{{ value if value else 'x' }}",
        "{{ value | append: other }}",
        "{{ value" + " | append: value" * (MAX_FILTERS + 1) + " }}",
        "{{ value | append: '" + "x" * 200 + "' }}",
        "{{ value | append: '" + "x" * 2000 + "' }}",
        "{{ value | append: " + "(" * 100 + " }}",
        "{{ " + "'a' | " * 80 + "}}",
        "{{ value \x00 }}",
        "{{ value | append: '}}' }}",
    ],
)
def test_what_the_sandbox_does_not_have_is_refused_when_it_is_saved(source: str) -> None:
    with pytest.raises(ExpressionError):
        Expression(source)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ value }}", "x" * (MAX_VALUE + 1)),
        ("{{ value }}", ["x"] * (MAX_ITEMS + 1)),
        ("{{ value }}", {"a": 1}),
        ("{{ value | append: 'x' }}", ["a"]),
        ("{{ value | split: 'a' }}", "a" * MAX_ITEMS),
        ("{{ value | replace: 'a', value | replace: 'a', value }}", "a" * 100),
        ("{{ value | replace: value, 'x' }}", ""),
    ],
)
def test_what_would_be_too_much_is_stopped_with_a_reason(source: str, value: Any) -> None:
    with pytest.raises(ExpressionFailure, match=r"\w"):
        Expression(source).evaluate(value)


TEXTS = st.text(alphabet="aB |'}", max_size=20).filter(lambda text: not set("'}") & set(text))
ARGUMENTS = st.one_of(st.just("value"), TEXTS.map(lambda text: f"'{text}'"))


@st.composite
def expressions(draw: st.DrawFn) -> str:
    """Draw an expression that parses, most of the time."""
    steps = []
    for name in draw(st.lists(st.sampled_from(sorted(FILTERS)), max_size=MAX_FILTERS)):
        count = {"split": 1, "prepend": 1, "append": 1, "default": 1, "replace": 2}.get(name, 0)
        arguments = ", ".join(draw(ARGUMENTS) for _ in range(count))
        steps.append(f" | {name}: {arguments}" if count else f" | {name}")
    return "{{ value" + "".join(steps) + " }}"


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.text(alphabet="aBé ß", max_size=MAX_VALUE),
    st.lists(st.text(alphabet="aB", max_size=5), max_size=MAX_ITEMS),
)


@pytest.fixture(scope="module", autouse=True)
def no_garbage_is_collected() -> Iterator[None]:
    """Let times be those of expressions, not of all that other tests have left in memory."""
    gc.disable()
    yield
    gc.enable()


@given(expressions(), VALUES)
@settings(max_examples=300)
def test_any_expression_on_any_value_ends_soon_and_small(source: str, value: Any) -> None:
    try:
        expression = Expression(source)
        began = time.thread_time()
        result = expression.evaluate(value)
    except (ExpressionError, ExpressionFailure):
        return
    assert time.thread_time() - began < 0.05
    assert not isinstance(result, str) or len(result) <= max(MAX_RESULT, MAX_VALUE)
    assert not isinstance(result, list) or len(result) <= MAX_ITEMS


@given(st.text(alphabet="{}%|:,'\" value.append123[]()<>", max_size=60))
@settings(max_examples=500)
def test_any_text_compiles_or_is_refused(text: str) -> None:
    for source in (text, "{{ value" + text + "}}"):
        with suppress(ExpressionError):
            Expression(source)


def test_an_expression_is_compiled_once_and_evaluated_fast() -> None:
    expression = Expression("{{ value | downcase | replace: 'admins', 'x' | default: 'y' }}")
    expression.evaluate("warm")
    began = time.thread_time()
    for _ in range(1000):
        expression.evaluate("Acme-Admins")
    assert time.thread_time() - began < 0.2
