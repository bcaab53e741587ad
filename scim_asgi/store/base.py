"""The Store interface: what the rest of the package may ask of whatever keeps the data.

A unit of work is a plain function of a :class:`Transaction`. The store runs it whole and in one
transaction, so that a cancelled request never leaves half a change: at once where it is brief, else
where it does not hold up the event loop.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from scim_asgi.store.records import HostRecord, Stamp
from scim_asgi.store.tables import (
    Accounts,
    Browser,
    ConnectionTable,
    LogTable,
    Members,
    Remappings,
    Resources,
    TokenTable,
    Versions,
)

T = TypeVar("T")


class Transaction(Protocol):
    """One transaction: its tables."""

    @property
    def resources(self) -> Resources:
        """The table of resources."""

    @property
    def members(self) -> Members:
        """The table of members."""

    @property
    def accounts(self) -> Accounts:
        """The table of accounts."""

    @property
    def tokens(self) -> TokenTable:
        """The table of tokens."""

    @property
    def mappings(self) -> Versions:
        """The attribute mapping overrides."""

    @property
    def roles(self) -> Versions:
        """The role rules."""

    @property
    def remappings(self) -> Remappings:
        """The table of mappings anew."""

    @property
    def browser(self) -> Browser:
        """Resources looked through for people."""

    @property
    def connections(self) -> ConnectionTable:
        """What is known of connections."""

    @property
    def log(self) -> LogTable:
        """The provisioning log."""

    def in_time(self, seconds: float) -> AbstractContextManager[None]:
        """Stop what is asked inside once it has taken so long; raises QueryTooSlow."""

    def take_long(self) -> None:
        """Say that what follows may take long: a unit that is called brief is begun anew."""

    def stamp(self, organization_id: str) -> Stamp:
        """Return which override and which role rules of an organization are in force.

        With their times: a number may be given out again, where a backup is put back.
        """

    def host(self) -> HostRecord | None:
        """Return what the host that last ran with hooks is like, or None before the first."""

    def remember_host(self, record: HostRecord) -> None:
        """Store what the host is like."""

    def savepoint(self) -> AbstractContextManager[None]:
        """Undo what is done inside when that raises; raises StoreUnavailable when it cannot go on."""

    def secret(self) -> bytes:
        """Return 32 random bytes that belong to this database, for signing."""


class Store(Protocol):
    """What keeps the data."""

    async def open(self) -> None:
        """Open the store and bring its tables up to date; raises StoreError."""

    async def close(self) -> None:
        """Finish what is under way and close the store."""

    async def read(
        self,
        work: Callable[[Transaction], T],
        *,
        brief: bool = False,
        single: bool = False,
        fresh: bool = True,
    ) -> T:
        """Run a unit of work that changes nothing and return its result.

        Args:
            work: The unit of work; it may be run twice.
            brief: Whether it is likely to read a few rows by key, and no more.
            single: Whether it is one statement, which sees one state by itself.
            fresh: Whether it waits for what was noted before.
        """

    async def write(
        self, work: Callable[[Transaction], T], *, durable: bool = True, brief: bool = False
    ) -> T:
        """Run a unit of work and return its result once it is on disk.

        Args:
            work: The unit of work; what it raises undoes all that it did. It may be run twice
                where it is called brief and is not.
            durable: False when losing the change in a power failure would only repeat
                something: then nobody waits for the disk.
            brief: Whether it reads and changes a few rows by key, and no more.
        """

    def note(self, work: Callable[[Transaction], None]) -> None:
        """Run a brief unit of work soon, before every later one; nobody waits for the disk.

        Losing it, with all that came after it, only repeats something.
        """
