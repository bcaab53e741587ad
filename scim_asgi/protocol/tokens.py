"""The words of filters (RFC 7644 section 3.4.2.2)."""

from __future__ import annotations

import re

from msgspec import Struct

from scim_asgi.protocol.errors import InvalidFilter

OPERATORS = frozenset({"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"})

_TOKEN = re.compile(
    r'\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<mark>[()\[\]])|(?P<word>[^\s()\[\]"]+)|(?P<bad>\S))',
    re.DOTALL,
)


class Token(Struct, frozen=True):
    """A ``string`` in quotes, a ``mark``, a ``word`` or the ``end``, and where it stands."""

    kind: str
    text: str
    position: int

    def is_mark(self, mark: str) -> bool:
        """Return whether this is a certain mark, and not a string that looks like it."""
        return self.kind == "mark" and self.text == mark

    def is_word(self, *words: str) -> bool:
        """Return whether this is one of some words, in any case."""
        return self.kind == "word" and self.text.casefold() in words


def tokenize(text: str) -> list[Token]:
    """Return the tokens of a filter, with the end as the last.

    Raises:
        InvalidFilter: A quote is opened and not closed.
    """
    tokens = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        assert kind is not None
        if kind == "bad":
            msg = f"Filter, character {match.start(kind) + 1}: a quote is opened and not closed."
            raise InvalidFilter(msg)
        tokens.append(Token(kind, match[kind], match.start(kind)))
    tokens.append(Token("end", "", len(text)))
    return tokens
