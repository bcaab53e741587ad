"""Databases with many users in them, made once for each state of the tables and then kept.

The first users are stored by what a POST is stored by, with the hook taken as called. The others
are copies of the last of them with values of their own, in the same rows.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import sqlite3
import tempfile
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.ceiling import INSERT, META, TABLE
from benchmarks.copying import Copies, Progress, state
from benchmarks.hooks import Idle
from benchmarks.people import external_id, group, login, patch, user
from scim_asgi import ScimApp
from scim_asgi.ids import uuid7
from scim_asgi.protocol.projection import project
from scim_asgi.provisioning.caller import Caller
from scim_asgi.provisioning.delivery import Outcome
from scim_asgi.provisioning.preconditions import Preconditions
from scim_asgi.provisioning.units import Unit
from scim_asgi.runtime import Runtime
from scim_asgi.store.base import Transaction
from scim_asgi.store.sqlite import migrate

ORGANIZATION = "bench"
MOST_MEMBERS = 100_000

CACHE = Path(__file__).parent / "results" / "databases"
_FIRST = 2
_BATCH = 2000
_CACHE_KIB = 2_000_000
_HOOK = {"change": "create", "attempt": 1, "milliseconds": 0}
_SOURCES = [
    Path(__file__),
    *(Path(__file__).with_name(f"{n}.py") for n in ("people", "ceiling", "copying")),
]

_encode = msgspec.json.Encoder().encode


def sizes_of_groups(users: int) -> list[int]:
    """Return how many members the groups of a database have: 10, 1,000 and 100,000, where it can.

    There is always somebody who is no member.
    """
    return [size for size in (10, 1_000, MOST_MEMBERS) if size < users]


def name_of_group(members: int) -> str:
    """Return the displayName of the group that has so many members."""
    return f"Group of {members}"


def databases(users: int, folder: Path, progress: Progress = lambda _: None) -> tuple[Path, Path]:
    """Return copies of a database with so many users, ours and the ceiling's, in a folder.

    Args:
        users: How many.
        folder: Where the copies are put.
        progress: Is told how many users are stored, while they are made for the first time.
    """
    kept = CACHE / f"{users}-{_state()}"
    if not kept.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        for old in set(CACHE.glob(f"{users}-*")) - {kept}:
            shutil.rmtree(old, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix="making-", dir=CACHE) as making:
            made = Path(making) / "made"
            made.mkdir()
            asyncio.run(seed(made / "ours.db", users, progress))
            fill_ceiling(made / "ceiling.db", users)
            with suppress(OSError):  # Another process was first.
                made.rename(kept)
    copies = folder / f"ours-{users}.db", folder / f"ceiling-{users}.db"
    for name, copy in zip(("ours.db", "ceiling.db"), copies, strict=True):
        shutil.copyfile(kept / name, copy)
    return copies


def _state() -> str:
    """Return what changes when the tables do, or what is put into them here."""
    migrations = Path(migrate.__file__).parent / "migrations"
    sources = [*sorted(migrations.glob("*.sql")), *_SOURCES]
    return hashlib.sha256(b"\0".join(each.read_bytes() for each in sources)).hexdigest()[:12]


async def seed(database: Path, users: int, progress: Progress = lambda _: None) -> None:
    """Store users and groups in a new database.

    Args:
        database: The file.
        users: How many users.
        progress: Is told how many are stored.
    """
    await _first_users(database, range(min(users, _FIRST)))
    before = state(database)
    await _first_users(database, range(_FIRST, min(users, _FIRST + 1)))
    Copies(database, before, _FIRST).store(users, progress)
    app = ScimApp(str(database), hooks=Idle())
    async with app.lifespan():
        seeding = _Seeding(app._runtime)
        await seeding.hurry()
        for members in sizes_of_groups(users):
            await seeding.group(members)
        await _settled(app)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


async def _first_users(database: Path, numbers: range) -> None:
    app = ScimApp(str(database), hooks=Idle())
    async with app.lifespan():
        await _Seeding(app._runtime).users(numbers)


async def _settled(app: ScimApp) -> None:
    """Return once the members of the groups are mapped anew, so that nothing is left to do."""
    while True:
        left = await app.reconciliation.status()
        if not left.pending and not left.to_map:
            return
        await asyncio.sleep(0.1)


class _Seeding:
    """Stores users and groups through the parts of a ScimApp.

    Args:
        runtime: The parts.
    """

    def __init__(self, runtime: Runtime[Any]) -> None:
        self._store = runtime.store
        self._service = runtime.service
        self._writes = runtime.service._writes
        self._registry = self._writes._registry
        self._reconciler = self._writes._reconciler

    async def hurry(self) -> None:
        """Wait for no disk, and keep the whole database in memory."""
        settings = (
            f"PRAGMA temp_store = FILE; PRAGMA synchronous = OFF; PRAGMA cache_size = -{_CACHE_KIB}"
        )
        store: Any = self._store
        await store._store._writing.run(lambda connection: connection.executescript(settings))

    async def users(self, numbers: range) -> None:
        """Store users in one transaction."""

        def store(tx: Transaction) -> None:
            for number in numbers:
                self._user(tx, number)

        await self._store.write(store)

    def _user(self, tx: Transaction, number: int) -> None:
        definition = self._registry.by_name["User"]
        projection = project(definition)
        unit = Unit(tx, _caller("POST", "/Users"), definition, self._reconciler.claim())
        inbound, _, _ = self._writes._read(definition, user(number), projection, new=True)
        changed = self._writes._changes.create(unit, inbound)
        assert changed.account is not None
        confirmed = Outcome(kind="confirmed", hook=_HOOK)
        self._reconciler._record(tx, changed.account, confirmed, changed.log, is_told=True)

    async def group(self, members: int) -> None:
        """Store a group of the first users, as a directory would: in PATCHes of some members."""
        definition = self._registry.by_name["Group"]
        projection = project(definition)
        body = group(name_of_group(members))
        created = await self._service.create(
            _caller("POST", "/Groups"), definition, body, projection
        )
        assert created.location is not None
        group_id = created.location.rpartition("/")[2]
        ids = await self._store.read(partial(_first_ids, members=members))
        for first in range(0, members, _BATCH):
            value = [{"value": each} for each in ids[first : first + _BATCH]]
            await self._service.patch(
                _caller("PATCH", f"/Groups/{group_id}"),
                definition,
                group_id,
                patch({"op": "add", "path": "members", "value": value}),
                projection,
                Preconditions(),
            )


def _first_ids(tx: Transaction, members: int) -> list[str]:
    numbers = [*range(1, members + 1)]
    everybody = tx.resources.by_numbers(numbers)
    return [everybody[number].id for number in numbers]


def _caller(method: str, path: str) -> Caller:
    return Caller(
        organization_id=ORGANIZATION,
        base_url="http://bench.example/scim/v2",
        token_prefix="seeded",
        request_id=uuid7(),
        method=method,
        path=path,
    )


def fill_ceiling(database: Path, users: int) -> None:
    """Store as many documents of the same size where the ceiling reads them."""
    with closing(sqlite3.connect(database)) as connection:
        settings = f"PRAGMA synchronous = OFF; PRAGMA cache_size = -{_CACHE_KIB}"
        connection.executescript(f"{settings}; {TABLE}")
        connection.executemany(INSERT, map(_document, range(users)))
        connection.commit()


def _document(number: int) -> tuple[str, str, str, str]:
    key = ceiling_id(number)
    text = _encode({**user(number), "id": key, "meta": META}).decode()
    return key, login(number), external_id(number), text


def ceiling_id(number: int) -> str:
    """Return the id of a document of the ceiling."""
    return f"00000000-0000-7000-8000-{number:012}"
