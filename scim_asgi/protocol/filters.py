"""The filter grammar (RFC 7644 section 3.4.2.2, with its errata): text to tree and back.

Lenient on the way in: words in any case, values without quotes, and a sub-attribute behind the
brackets (``emails[type eq "work"].value eq "x"``), which Entra sends.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from typing import TypeAlias

import msgspec

from scim_asgi.protocol.errors import InvalidFilter
from scim_asgi.protocol.limits import DEFAULT_LIMITS, Limits
from scim_asgi.protocol.paths import NAME, Path, PathSyntaxError, parse_path

OPERATORS = frozenset({"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"})

Value: TypeAlias = "str | int | float | bool | None"


@dataclass(frozen=True, slots=True)
class Comparison:
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


@dataclass(frozen=True, slots=True)
class Present:
    """``path pr``."""

    path: Path

    def __str__(self) -> str:
        return f"{self.path} pr"


@dataclass(frozen=True, slots=True)
class And:
    """Every term holds."""

    terms: tuple[Node, ...]

    def __str__(self) -> str:
        return " and ".join(f"({t})" if isinstance(t, (And, Or)) else str(t) for t in self.terms)


@dataclass(frozen=True, slots=True)
class Or:
    """Some term holds."""

    terms: tuple[Node, ...]

    def __str__(self) -> str:
        return " or ".join(f"({t})" if isinstance(t, Or) else str(t) for t in self.terms)


@dataclass(frozen=True, slots=True)
class Not:
    """The term does not hold."""

    term: Node

    def __str__(self) -> str:
        return f"not ({self.term})"


@dataclass(frozen=True, slots=True)
class ValuePath:
    """``path[term]``: one element of a multi-valued attribute makes the term hold."""

    path: Path
    term: Node

    def __str__(self) -> str:
        return f"{self.path}[{self.term}]"


Node: TypeAlias = "Comparison | Present | And | Or | Not | ValuePath"

_json = msgspec.json.Encoder()
_TOKEN = re.compile(
    r'\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<mark>[()\[\]])|(?P<word>[^\s()\[\]"]+)|(?P<bad>\S))',
    re.DOTALL,
)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_SUB_PATH = re.compile(rf"\.({NAME})")
_DIGITS = 300
_WORDS: dict[str, Value] = {"true": True, "false": False, "null": None}


@lru_cache(maxsize=256)
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


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int


class _Parser:
    """Recursive descent over the tokens; each method reads what its name says."""

    def __init__(self, text: str, limits: Limits, *, in_brackets: bool = False) -> None:
        if len(text) > limits.filter_length:
            msg = f"The filter has {len(text)} characters; at most {limits.filter_length} are read."
            raise InvalidFilter(msg)
        self.tokens = _tokens(text)
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
        if token.text == "(" and token.kind == "mark":
            return self.nested("(", ")")
        if token.kind != "word":
            raise self.unexpected("an attribute")
        following = self.tokens[self.at + 1]
        if token.text.casefold() == "not" and following.text == "(" and following.kind == "mark":
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
        if self.peek().text == "[" and self.peek().kind == "mark":
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
        token = self.peek()
        match = _SUB_PATH.fullmatch(token.text) if token.kind == "word" else None
        if match is None:
            return ValuePath(path, node)
        self.at += 1
        return ValuePath(path, And((node, self.sub_term(match[1]))))

    def sub_term(self, sub: str) -> Node:
        operator = self.peek()
        self.at += 1
        name = operator.text.casefold()
        if name == "pr":
            return Present(Path(None, sub))
        if name not in OPERATORS:
            self.at -= 1
            raise self.unexpected("an operator such as eq")
        return self.comparison(Path(None, sub), name)

    def comparison(self, path: Path, operator: str) -> Comparison:
        token = self.peek()
        self.at += 1
        if token.kind == "string":
            return Comparison(path, operator, self.string(token))
        is_bare = token.kind == "word" and token.text.isprintable() and token.text[0] != "'"
        if not is_bare:
            self.at -= 1
            raise self.unexpected('a value such as "text", 5, true or null')
        value = _bare(token.text)
        return Comparison(path, operator, value, None if isinstance(value, str) else token.text)

    def string(self, token: _Token) -> str:
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

    def peek(self) -> _Token:
        return self.tokens[self.at]

    def take_word(self, word: str) -> bool:
        token = self.peek()
        if token.kind == "word" and token.text.casefold() == word:
            self.at += 1
            return True
        return False

    def expect(self, mark: str) -> None:
        token = self.peek()
        if token.kind != "mark" or token.text != mark:
            raise self.unexpected(f'"{mark}"')
        self.at += 1

    def unexpected(self, wanted: str) -> InvalidFilter:
        token = self.peek()
        found = "the end" if token.kind == "end" else f'"{token.text}"'
        return InvalidFilter(
            f"Filter, character {token.position + 1}: expected {wanted}, found {found}."
        )


def _tokens(text: str) -> list[_Token]:
    tokens = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        assert kind is not None
        if kind == "bad":
            msg = f"Filter, character {match.start(kind) + 1}: a quote is opened and not closed."
            raise InvalidFilter(msg)
        tokens.append(_Token(kind, match[kind], match.start(kind)))
    tokens.append(_Token("end", "", len(text)))
    return tokens


def _bare(text: str) -> Value:
    folded = text.casefold()
    if folded in _WORDS:
        return _WORDS[folded]
    if len(text) > _DIGITS or not _NUMBER.fullmatch(text):
        return text
    if not set(text) & set(".eE"):
        return int(text)
    number = float(text)
    return number if isfinite(number) else text
