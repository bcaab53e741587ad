"""The root of every error that this package raises."""

from __future__ import annotations


class ScimAsgiError(Exception):
    """Root of every error of this package: catch it to catch them all."""


class MissingExtra(ScimAsgiError, ImportError):
    """A part of this package needs a library that is not installed.

    Args:
        extra: The extra that installs it.
    """

    def __init__(self, extra: str) -> None:
        super().__init__(f"A library is missing: pip install 'scim-asgi[{extra}]'")
