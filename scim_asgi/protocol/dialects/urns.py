"""URNs of schemas as directories misspell them, and those of SCIM 1.1."""

from __future__ import annotations

import re
from functools import lru_cache

from scim_asgi.protocol.definitions import ResourceDefinition

_CORE = "urn:ietf:params:scim:schemas:core:2.0:"
_OLD_CORE = "urn:scim:schemas:core:1.0"
_OLD_NAMES = {
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user": (
        "urn:scim:schemas:extension:enterprise:1.0"
    ),
}
_WORDS = re.compile("[a-z0-9]+")
_KNOWN = 256
_MARKS = "[^a-z0-9]{0,2}"


def canonical_urn(definition: ResourceDefinition, text: str) -> str:
    """Return a URN, or a path that begins with one, with the URN as the type's schema spells it.

    Marks between the words may be missing or others (``…:enterprise:2.0User``), and the URNs of
    SCIM 1.1 stand for those that took their place. A URN that nobody knows stays as it is.
    """
    if text[:3].casefold() != "urn":
        return text
    return (_known_urn if len(text) <= _KNOWN else _read_urn)(definition, text)


def _read_urn(definition: ResourceDefinition, text: str) -> str:
    if definition.split_urn(text) is not None:
        return text
    folded = text.casefold()
    for pattern, urn in _spellings(definition):
        match = pattern.match(folded)
        if match is not None:
            rest = text[match.end() :]
            return f"{urn}:{rest[1:]}" if rest else urn
    return text


_known_urn = lru_cache(maxsize=1024)(_read_urn)
"""Directories send the same ones again and again."""


@lru_cache(maxsize=256)
def _spellings(definition: ResourceDefinition) -> list[tuple[re.Pattern[str], str]]:
    schemas = (definition.schema, *definition.extensions.values())
    return [
        (re.compile(f"(?:{'|'.join(_patterns(schema.id))})(?=[:.]|$)"), schema.id)
        for schema in sorted(schemas, key=lambda schema: -len(schema.id))
    ]


def _patterns(urn: str) -> list[str]:
    folded = urn.casefold()
    names = [folded]
    if folded in _OLD_NAMES:
        names.append(_OLD_NAMES[folded])
    if folded.startswith(_CORE):
        names.append(_OLD_CORE)
    return [_MARKS.join(_WORDS.findall(name)) for name in names]
