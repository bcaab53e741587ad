"""The file behind the connections: whether its path still leads to it."""

from __future__ import annotations

import os
from pathlib import Path

from scim_asgi.store.errors import StoreUnavailable

MEMORY = ":memory:"

_Identity = tuple[int, int] | None


class StoreReplaced(StoreUnavailable):
    """The path leads to another file than the one that is open, or to none."""


class DatabaseFile:
    """Notices when the file, or its write-ahead log, is deleted or replaced while it is open.

    What is written to a deleted file is gone at the next start, so nobody may be told that it
    is stored.

    Args:
        path: The file's path, or ``:memory:``.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._paths = () if path == MEMORY else (path, f"{path}-wal")
        self._opened: list[_Identity] = []

    def remember(self) -> None:
        """Take what the path leads to now as the file that is open."""
        self._opened = self._identities()

    def check(self) -> None:
        """Check that it still does.

        Raises:
            StoreReplaced: It does not.
        """
        if self._identities() != self._opened:
            raise StoreReplaced(self._message())

    def require(self) -> None:
        """Check that there is a file to open again; none is made in its place.

        Raises:
            StoreReplaced: There is none, or one that is still empty.
        """
        path = Path(self._path)
        if self._paths and not (path.is_file() and path.stat().st_size):
            raise StoreReplaced(self._message())

    def _message(self) -> str:
        return (
            f'The database "{self._path}" was deleted or replaced while it was in use. Put it '
            "back, or restart to begin with an empty one."
        )

    def _identities(self) -> list[_Identity]:
        return [_identity(path) for path in self._paths]


def _identity(path: str) -> _Identity:
    try:
        found = os.stat(path)  # noqa: PTH116 - twice as fast, and asked at every transaction
    except OSError:
        return None
    return found.st_dev, found.st_ino
