"""The filter grammar: what parses, what it means as a tree, and what is refused where."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_asgi.protocol.errors import InvalidFilter
from scim_asgi.protocol.filters import (
    And,
    Comparison,
    Node,
    Not,
    Or,
    Present,
    ValuePath,
    parse,
    parse_value_filter,
)
from scim_asgi.protocol.paths import Path
from tests.protocol.trees import filter_trees


def _path(text: str) -> Path:
    name, _, sub = text.partition(".")
    return Path(None, name, sub or None)


def test_and_binds_tighter_than_or() -> None:
    tree = parse('userName eq "a" or userName eq "b" and title pr')
    a, b = (Comparison(_path("userName"), "eq", each) for each in "ab")
    assert Or((a, And((b, Present(_path("title")))))) == tree


def test_parentheses_override_precedence() -> None:
    tree = parse('(userName eq "a" or userName eq "b") and title pr')
    a, b = (Comparison(_path("userName"), "eq", each) for each in "ab")
    assert And((Or((a, b)), Present(_path("title")))) == tree


@pytest.mark.parametrize("text", ["not (title pr)", "not(title pr)", "NOT  ( title PR )"])
def test_not_takes_a_parenthesised_filter_with_and_without_a_space(text: str) -> None:
    assert Not(Present(_path("title"))) == parse(text)


def test_words_are_read_in_any_case() -> None:
    assert parse('title PR AND userName SW "b"') == parse('title pr and userName sw "b"')


def test_brackets_hold_a_whole_filter() -> None:
    tree = parse('emails[type eq "work" or (type eq "home" and value ew "@y")]')
    assert isinstance(tree, ValuePath)
    assert isinstance(tree.term, Or)


def test_a_sub_attribute_behind_the_brackets_is_one_more_term() -> None:
    assert parse('emails[type eq "work" and value eq "x"]') == parse(
        'emails[type eq "work"].value eq "x"'
    )


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ('"say \\"hi\\" \\\\o/"', 'say "hi" \\o/'),
        ('"\\u00e9"', "é"),
        ('"\\ud83d\\ude00"', "😀"),
        ('"Equity (A and B) or [C]"', "Equity (A and B) or [C]"),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("-1", -1),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        ("ada", "ada"),
        ("2019-01-01T00:00:00.1234567+02:00", "2019-01-01T00:00:00.1234567+02:00"),
    ],
)
def test_literals_are_json_or_bare_words(literal: str, value: object) -> None:
    tree = parse(f"title eq {literal}")
    assert isinstance(tree, Comparison)
    assert (type(value), value) == (type(tree.value), tree.value)


@pytest.mark.parametrize(
    "text",
    [
        *("", "userName", "userName eq", 'userName eq "a', "(userName pr", "userName pr)"),
        *("and userName pr", "userName pr and", 'userName eq "a" "b"', "not title pr"),
        *('userName eq "a" userName pr', "emails[", "emails[]", 'eq "a"', 'userName pr "a"'),
        *("userName eq 'a'", "emails[a[b pr]]", 'userName eq "\\ud800"', 'x..y eq "a"'),
        *('userName eq "\x01"', "(" * 40 + "title pr" + ")" * 40, "title pr " * 1000),
    ],
)
def test_what_is_no_filter_is_refused_with_a_detail(text: str) -> None:
    with pytest.raises(InvalidFilter) as refused:
        parse(text)
    assert refused.value.detail


def test_the_detail_names_the_unknown_operator_and_where_it_stands() -> None:
    with pytest.raises(InvalidFilter, match='character 10: "regex" is no operator'):
        parse('userName regex "a"')


def test_a_value_filter_has_no_brackets_of_its_own() -> None:
    with pytest.raises(InvalidFilter):
        parse_value_filter('emails[type eq "work"]')


@given(filter_trees())
def test_a_printed_tree_parses_to_itself(tree: Node) -> None:
    assert tree == parse(str(tree))


@given(st.text(max_size=60))
def test_any_text_parses_or_is_refused(text: str) -> None:
    with contextlib.suppress(InvalidFilter):
        assert parse(text) == parse(text)
