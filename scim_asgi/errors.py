"""The root of every error that this package raises."""

from __future__ import annotations


class ScimAsgiError(Exception):
    """Root of every error of this package: catch it to catch them all."""
