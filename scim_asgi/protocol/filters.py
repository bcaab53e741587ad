"""The filter grammar (RFC 7644 section 3.4.2.2, with its errata): text to tree and back.

What directories write otherwise has been put right before (:mod:`scim_asgi.protocol.dialects`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import isfinite
from typing import TypeAlias

import msgspec
from msgspec import Struct

from scim_asgi.protocol.dialects.filters import read_filter
from scim_asgi.protocol.errors import InvalidFilter
from scim_asgi.protocol.limits import DEFAULT_LIMITS, Limits
from scim_asgi.protocol.paths import Path, PathSyntaxError, parse_path
from scim_asgi.protocol.tokens import OPERATORS, Token, tokenize

Value: TypeAlias = "str | int | float | bool | None"


class Comparison(Struct, frozen=True):
    """``path operator value``; the value is the JSON literal.

    ``raw`` is a number, boolean or null as it was written: a directory may mean text by it.
    """

    path: Path
    operator: str
    value: Value
    raw: str | None = None

    def __str__(self) -> str:
        literal = _json.encode(self.value).decode() if self.raw is None else self.raw
        return f"{self.path} {self.operator} {literal}"


class Present(Struct, frozen=True):
    """``path pr``."""

    path: Path

    def __str__(self) -> str:
        return f"{self.path} pr"


class And(Struct, frozen=True):
    """Every term holds."""

    terms: tuple[Node, ...]

    def __str__(self) -> str:
        return " and ".join(f"({t})" if isinstance(t, (And, Or)) else str(t) for t in self.terms)


class Or(Struct, frozen=True):
    """Some term holds."""

    terms: tuple[Node, ...]

    def __str__(self) -> str:
        return " or ".join(f"({t})" if isinstance(t, Or) else str(t) for t in self.terms)


class Not(Struct, frozen=True):
    """The term does not hold."""

    term: Node

    def __str__(self) -> str:
        return f"not ({self.term})"


class ValuePath(Struct, frozen=True):
    """``path[term]``: one element of a multi-valued attribute makes the term hold."""

    path: Path
    term: Node

    def __str__(self) -> str:
        return f"{self.path}[{self.term}]"


Node: TypeAlias = "Comparison | Present | And | Or | Not | ValuePath"

_json = msgspec.json.Encoder()
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_DIGITS = 300
_WORDS: dict[str, Value] = {"true": True, "false": False, "null": None}


def parse(text: str, limits: Limits = DEFAULT_LIMITS) -> Node:
    """Parse a filter.

    Raises:
        InvalidFilter: It does not parse, or is longer or deeper than the limits; the detail
            names the place.
    """
    return _Parser(text, limits).whole()


@lru_cache(maxsize=256)
def parse_value_filter(text: str, limits: Limits = DEFAULT_LIMITS) -> Node:
    """Parse what stands between ``[`` and ``]``: a filter on sub-attributes, without brackets.

    Raises:
        InvalidFilter: As :func:`parse`.
    """
    return _Parser(text, limits, in_brackets=True).whole()


class _Parser:
    """Recursive descent over the tokens; each method reads what its name says."""

    def __init__(self, text: str, limits: Limits, *, in_brackets: bool = False) -> None:
        if len(text) > limits.filter_length:
            msg = f"The filter has {len(text)} characters; at most {limits.filter_length} are read."
            raise InvalidFilter(msg)
        self.tokens = read_filter(text, tokenize(text))
        self.max_depth = limits.filter_depth
        self.at = 0
        self.depth = 0
        self.in_brackets = in_brackets

    def whole(self) -> Node:
        node = self.disjunction()
        if self.peek().kind != "end":
            raise self.unexpected('the end, "and" or "or"')
        return node

    def disjunction(self) -> Node:
        terms = [self.conjunction()]
        while self.take_word("or"):
            terms.append(self.conjunction())
        return terms[0] if len(terms) == 1 else Or(tuple(terms))

    def conjunction(self) -> Node:
        terms = [self.term()]
        while self.take_word("and"):
            terms.append(self.term())
        return terms[0] if len(terms) == 1 else And(tuple(terms))

    def term(self) -> Node:
        token = self.peek()
        if token.is_mark("("):
            return self.nested("(", ")")
        if token.kind != "word":
            raise self.unexpected("an attribute")
        following = self.tokens[self.at + 1]
        if token.is_word("not") and following.is_mark("("):
            self.at += 1
            return Not(self.nested("(", ")"))
        return self.attribute_term()

    def nested(self, opening: str, closing: str) -> Node:
        self.expect(opening)
        self.depth += 1
        if self.depth > self.max_depth:
            msg = f"The filter nests deeper than {self.max_depth} levels."
            raise InvalidFilter(msg)
        node = self.disjunction()
        self.depth -= 1
        self.expect(closing)
        return node

    def attribute_term(self) -> Node:
        path = self.path()
        if self.peek().is_mark("["):
            return self.value_path(path)
        operator = self.peek()
        if operator.kind != "word":
            raise self.unexpected("an operator such as eq")
        self.at += 1
        name = operator.text.casefold()
        if name == "pr":
            return Present(path)
        if name not in OPERATORS:
            known = ", ".join(sorted(OPERATORS))
            msg = (
                f'Filter, character {operator.position + 1}: "{operator.text}" is no operator; '
                f"known are pr, {known}."
            )
            raise InvalidFilter(msg)
        return self.comparison(path, name)

    def value_path(self, path: Path) -> Node:
        if self.in_brackets:
            raise self.unexpected("no brackets inside brackets")
        self.in_brackets = True
        node = self.nested("[", "]")
        self.in_brackets = False
        return ValuePath(path, node)

    def comparison(self, path: Path, operator: str) -> Comparison:
        token = self.peek()
        self.at += 1
        if token.kind == "string":
            return Comparison(path, operator, self.string(token))
        value = _literal(token.text) if token.kind == "word" else ""
        if isinstance(value, str):
            self.at -= 1
            raise self.unexpected('a value such as "text", 5, true or null')
        return Comparison(path, operator, value, token.text)

    def string(self, token: Token) -> str:
        try:
            return msgspec.json.decode(token.text, type=str)
        except (msgspec.DecodeError, UnicodeError):
            msg = f"Filter, character {token.position + 1}: the text is not a JSON string."
            raise InvalidFilter(msg) from None

    def path(self) -> Path:
        token = self.peek()
        try:
            path = parse_path(token.text)
        except PathSyntaxError as error:
            msg = f"Filter, character {token.position + 1}: {error}."
            raise InvalidFilter(msg) from None
        self.at += 1
        return path

    def peek(self) -> Token:
        return self.tokens[self.at]

    def take_word(self, word: str) -> bool:
        if self.peek().is_word(word):
            self.at += 1
            return True
        return False

    def expect(self, mark: str) -> None:
        if not self.peek().is_mark(mark):
            raise self.unexpected(f'"{mark}"')
        self.at += 1

    def unexpected(self, wanted: str) -> InvalidFilter:
        token = self.peek()
        found = "the end" if token.kind == "end" else f'"{token.text}"'
        return InvalidFilter(
            f"Filter, character {token.position + 1}: expected {wanted}, found {found}."
        )


def _literal(text: str) -> Value:
    """Return a number, boolean or null; the text itself when it is none."""
    folded = text.casefold()
    if folded in _WORDS:
        return _WORDS[folded]
    if len(text) > _DIGITS or not _NUMBER.fullmatch(text):
        return text
    if not set(text) & set(".eE"):
        return int(text)
    number = float(text)
    return number if isfinite(number) else text
