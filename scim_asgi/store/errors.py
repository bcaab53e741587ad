"""What can be wrong with a store."""

from __future__ import annotations

from scim_asgi.errors import ScimAsgiError


class StoreError(ScimAsgiError):
    """The store cannot be used as it is; the message says what to do."""


class StoreUnavailable(StoreError):
    """The store cannot answer now, and may later: locked, full or gone."""


class QueryTooSlow(StoreError):
    """A query that was stopped because it took longer than it may."""


class NotUnique(StoreError):
    """A value that has to be unique is in use.

    Attributes:
        path: The attribute's path.
    """

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is in use")
        self.path = path
