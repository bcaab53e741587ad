"""Filters in the grammar of RFC 7644 section 3.4.2.2."""

from __future__ import annotations

import re

import msgspec

from scim_asgi.protocol.tokens import OPERATORS, Token

_encode = msgspec.json.Encoder().encode
_LITERAL = re.compile(
    r"true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?", re.ASCII | re.IGNORECASE
)


def read_filter(text: str, tokens: list[Token]) -> list[Token]:
    """Return the tokens of a filter as the grammar has them.

    A value without quotes gets them, up to the end of its term, which an `and` or `or` is only
    where another term follows; a comparison behind brackets
    (``emails[type eq "work"].value eq "x"``) moves into them.

    Args:
        text: The filter.
        tokens: Its tokens; they keep their positions, for errors.
    """
    return _with_parts_inside(_with_quotes(text, tokens))


def _with_quotes(text: str, tokens: list[Token]) -> list[Token]:
    quoted: list[Token] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        is_operator = token.is_word(*OPERATORS) and at > 0 and tokens[at - 1].kind == "word"
        quoted.append(token)
        at += 1
        if not is_operator:
            continue
        end = at
        while tokens[end].kind == "word" and (end == at or not _joins(tokens, end)):
            end += 1
        words = tokens[at:end]
        if _is_bare(words):
            quoted.append(_string(text, words))
            at = end
        elif words:
            quoted.append(words[0])
            at += 1
    return quoted


def _joins(tokens: list[Token], at: int) -> bool:
    """Return whether a word joins two terms, or would if the filter went on."""
    if not tokens[at].is_word("and", "or"):
        return False
    first, second = tokens[at + 1], tokens[min(at + 2, len(tokens) - 1)]
    if first.kind != "word":
        return True
    return second.is_word(*OPERATORS, "pr") or second.is_mark("[") or second.is_mark("(")


def _is_bare(words: list[Token]) -> bool:
    if not words or words[0].text[0] == "'" or not all(each.text.isprintable() for each in words):
        return False
    return len(words) > 1 or _LITERAL.fullmatch(words[0].text) is None


def _string(text: str, words: list[Token]) -> Token:
    start, last = words[0].position, words[-1]
    value = text[start : last.position + len(last.text)]
    return Token("string", _encode(value).decode(), start)


def _with_parts_inside(tokens: list[Token]) -> list[Token]:
    """Move a comparison of a part behind brackets into them, as another condition."""
    moved: list[Token] = []
    opened: int | None = None
    at = 0
    while at < len(tokens):
        token, part = tokens[at], tokens[min(at + 1, len(tokens) - 1)]
        at += 1
        if token.is_mark("["):
            opened = len(moved)
        is_part = part.kind == "word" and part.text.startswith(".") and len(part.text) > 1
        if not token.is_mark("]") or opened is None or not is_part:
            moved.append(token)
            continue
        size = 2 if tokens[min(at + 1, len(tokens) - 1)].is_word("pr") else 3
        operation = tokens[at : at + size]
        moved.insert(opened + 1, Token("mark", "(", moved[opened].position))
        moved += [
            Token("mark", ")", token.position),
            Token("word", "and", part.position),
            Token("word", part.text[1:], part.position),
            *[each for each in operation[1:] if each.kind != "end"],
            token,
        ]
        at += len([each for each in operation if each.kind != "end"])
    return moved
