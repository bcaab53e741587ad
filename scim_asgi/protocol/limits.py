"""What a request may cost: every limit in one place, each with the default that directories fit."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

_Count = Annotated[int, Meta(ge=1)]


class Limits(Struct, frozen=True, kw_only=True, cache_hash=True):
    """What a request may cost; over a limit it is refused with an error that names the limit.

    Attributes:
        body_bytes: How many bytes of a body are read (413).
        body_seconds: How long a body may take to arrive (408).
        query_bytes: The longest query string (414).
        json_depth: How deep objects and lists of a body may nest (400 invalidSyntax).
        json_values: How many values a body may hold, nested ones counted too (413).
        string_length: The longest text in a body, names included, in characters (400
            invalidValue).
        filter_length: The longest filter, in characters (400 invalidFilter). SQLite sets its
            upper bound.
        filter_depth: How deep the parentheses of a filter may nest (400 invalidFilter). Likewise.
        patch_operations: How many operations a PATCH may have (413).
        patch_comparisons: How many values a PATCH may compare with each other (413).
        members: How many members of a group a request may name (413).
        bulk_operations: How many operations a bulk request may have (413).
        page_size: How many resources a page has at most; who asks for more gets that many.
        query_seconds: How long a list may take the database; others wait for it (400 tooMany).
        projection_attributes: How many names `attributes` and `excludedAttributes` may list (400
            invalidValue).
    """

    body_bytes: _Count = 8 * 2**20
    body_seconds: Annotated[float, Meta(gt=0)] = 15.0
    query_bytes: _Count = 16_384
    json_depth: Annotated[int, Meta(ge=1, le=200)] = 64
    json_values: _Count = 500_000
    string_length: _Count = 262_144
    filter_length: Annotated[int, Meta(ge=1, le=8192)] = 4096
    filter_depth: Annotated[int, Meta(ge=1, le=32)] = 32
    patch_operations: _Count = 1000
    patch_comparisons: _Count = 100_000
    members: _Count = 100_000
    bulk_operations: _Count = 1000
    page_size: _Count = 200
    query_seconds: Annotated[float, Meta(gt=0)] = 5.0
    projection_attributes: _Count = 200

    @property
    def default_count(self) -> int:
        """How many resources a page has when nobody asks for a number."""
        return min(100, self.page_size)


DEFAULT_LIMITS = Limits()
"""The limits where nobody has set others."""
