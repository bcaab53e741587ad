"""Whatever becomes of the file: a clear error, no damage, and no restart where none is needed."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from scim_asgi import ScimApp
from tests.client import Client, assert_error
from tests.commands import attempt
from tests.conftest import MOUNT, Served, issue_token
from tests.faults.conftest import Disk
from tests.product import Product
from tests.servers import serving
from tests.torture.processes import assert_sound, rows, running
from tests.waiting import until

USER = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"]}


def post(client: Client, name: str) -> httpx.Response:
    return client.post("/Users", {**USER, "userName": f"{name}@acme.test"})


def assert_later(answer: httpx.Response) -> None:
    """Check that the directory is told to try again, and nothing of our file."""
    detail = assert_error(answer, 503)
    assert 0 < int(answer.headers["retry-after"]) < 3600
    assert ".db" not in detail


@contextmanager
def mounted(path: Path, token: str) -> Iterator[Client]:
    """Serve a ScimApp without its lifespan, so that it opens its file on requests."""
    app = ScimApp(str(path), hooks=Product(), rate_limit=None)
    with serving(Starlette(routes=[Mount(MOUNT, app=app)])) as url:
        client = Client(f"{url}{MOUNT}", token)
        yield client
        client.close()


def test_a_full_disk_is_answered_503_and_nothing_more_is_lost_than_time(disk: Disk) -> None:
    with ExitStack() as stack:
        scim = Served(stack, disk.folder)()
        client = scim.client()
        assert 201 == post(client, "before").status_code
        with disk.full():
            refused = 0
            for number in range(300):
                answer = post(client, f"full{number}")
                if answer.status_code != 201:
                    assert_later(answer)
                    refused += 1
                if refused > 5:
                    break
            assert refused > 5
            assert client.get("/Users?count=1").status_code in (200, 503)
        assert 201 == post(client, "after").status_code
        until(lambda: scim.ask(lambda app: app.reconciliation.status()).pending == 0)
        names = {account.email_address for account in scim.product.accounts.values()}
        users = client.get("/Users?count=1000").json()["Resources"]
        assert names == {user["userName"] for user in users}
        assert {"before@acme.test", "after@acme.test"} <= names
        assert_sound(scim.database)


def test_a_file_that_may_not_grow_is_answered_503_until_it_may(tmp_path: Path) -> None:
    with running(tmp_path, hook_timeout=0.4) as host:
        client = Client(host.base_url, issue_token(tmp_path / "scim.db"))
        assert 201 == post(client, "before").status_code
        _, hard = resource.prlimit(host.process.pid, resource.RLIMIT_FSIZE)
        size = (tmp_path / "scim.db-wal").stat().st_size
        resource.prlimit(host.process.pid, resource.RLIMIT_FSIZE, (size + 1, hard))
        for number in range(3):
            assert_later(post(client, f"full{number}"))
        assert 200 == client.get("/Users?count=1").status_code
        resource.prlimit(host.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        assert 201 == post(client, "after").status_code
        host.until_settled()
        client.close()
        users = rows(tmp_path / "scim.db", "SELECT count(*) FROM resources")
        assert users == rows(tmp_path / "host.db", "SELECT count(*) FROM accounts WHERE is_open")
        assert_sound(tmp_path / "scim.db")


def test_a_read_only_disk_is_answered_503_until_it_is_writable(disk: Disk) -> None:
    path = disk.folder / "scim.db"
    token = issue_token(path)
    disk.mount_again("ro")
    try:
        with mounted(path, token) as client:
            for _ in range(2):
                assert_later(post(client, "a"))
            disk.mount_again("rw")
            assert 201 == post(client, "a").status_code
    finally:
        disk.mount_again("rw")
    assert_sound(path)


def test_a_server_says_why_it_cannot_open_its_file(tmp_path: Path) -> None:
    issue_token(tmp_path / "scim.db")
    with closing(sqlite3.connect(tmp_path / "scim.db")) as database:
        database.execute("PRAGMA user_version = 99")
    (tmp_path / "text.db").write_text("This is no database, however long it is." * 100)
    (tmp_path / "folder.db").mkdir()
    for name, version in (("theirs.db", 0), ("newer.db", 2)):
        with closing(sqlite3.connect(tmp_path / name)) as database:
            database.execute("CREATE TABLE accounts (id)")
            database.execute(f"PRAGMA user_version = {version}")
    theirs = (tmp_path / "theirs.db").read_bytes()
    for name, why in (
        ("scim.db", "version 99"),
        ("text.db", "not a database. It is no SQLite file"),
        ("theirs.db", "tables of another application"),
        ("newer.db", "tables of another application"),
        ("folder.db", "unable to open"),
        ("nowhere/scim.db", "folder have to be there"),
    ):
        done = attempt(tmp_path, "serve", "--port", "0", "--database", name)
        assert done.returncode != 0
        assert why in done.stderr, done.stderr
        assert "Traceback" not in done.stderr
    with closing(sqlite3.connect(tmp_path / "theirs.db")) as database:
        assert [("accounts",)] == database.execute("SELECT name FROM sqlite_master").fetchall()
    assert len(theirs) == (tmp_path / "theirs.db").stat().st_size


def test_a_file_of_a_newer_version_is_left_alone_and_served_again_when_put_right(
    tmp_path: Path,
) -> None:
    path = tmp_path / "scim.db"
    token = issue_token(path)
    ((version,),) = rows(path, "PRAGMA user_version")
    with mounted(path, token) as client, closing(sqlite3.connect(path)) as database:
        assert 201 == post(client, "a").status_code
        database.execute("PRAGMA user_version = 99")
        for _ in range(2):
            assert_later(post(client, "b"))
        assert [(1,)] == rows(path, "SELECT count(*) FROM resources")
        database.execute(f"PRAGMA user_version = {version}")
        assert 201 == post(client, "b").status_code


_LOCK = """
import sqlite3, sys, time
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
time.sleep(10)
database.execute("COMMIT")
print("free", flush=True)
time.sleep(60)
"""


def test_a_lock_of_another_process_for_ten_seconds_delays_and_loses_nothing(
    tmp_path: Path, serve: Served
) -> None:
    scim = serve()
    client = scim.client()
    command = [sys.executable, "-c", _LOCK, str(scim.database)]
    other = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None
        assert "locked\n" == other.stdout.readline()
        began = time.monotonic()
        assert_later(post(client, "locked"))
        assert time.monotonic() - began < 8
        assert 200 == client.get("/Users").status_code
        assert "free\n" == other.stdout.readline()
        assert 201 == post(client, "locked").status_code
    finally:
        other.kill()
        other.communicate()
    until(lambda: scim.ask(lambda app: app.reconciliation.status()).pending == 0)
    assert 1 == len(scim.product.accounts)
    assert_sound(scim.database)


def _files(path: Path) -> list[Path]:
    return [Path(f"{path}{end}") for end in ("", "-wal", "-shm")]


@pytest.mark.parametrize("restored", ["the same file", "a copy"])
def test_a_deleted_file_is_answered_503_until_it_is_put_back(
    tmp_path: Path, serve: Served, restored: str
) -> None:
    scim = serve()
    client = scim.client()
    assert 201 == post(client, "before").status_code
    kept = tmp_path / "kept"
    kept.mkdir()
    if restored == "a copy":
        with scim.file() as database:
            database.execute("VACUUM INTO ?", (str(kept / "scim.db"),))
        for file in _files(scim.database):
            file.unlink(missing_ok=True)
    else:
        for file in _files(scim.database):
            if file.exists():
                file.rename(kept / file.name)
    for _ in range(2):
        assert_later(post(client, "lost"))
        assert_later(client.get("/Users"))
    assert not scim.database.exists()
    for file in kept.iterdir():
        shutil.move(file, scim.database.parent / file.name)
    assert 201 == post(client, "after").status_code
    users = client.get("/Users").json()["Resources"]
    assert ["before@acme.test", "after@acme.test"] == [user["userName"] for user in users]
    assert_sound(scim.database)


def test_a_file_that_is_replaced_by_a_backup_is_taken_up(tmp_path: Path, serve: Served) -> None:
    scim = serve()
    client = scim.client()
    assert 201 == post(client, "before").status_code
    with scim.file() as database:
        database.execute("VACUUM INTO ?", (str(tmp_path / "backup.db"),))
    assert 201 == post(client, "after").status_code
    for file in _files(scim.database)[1:]:
        file.unlink(missing_ok=True)
    os.replace(tmp_path / "backup.db", scim.database)  # noqa: PTH105 - one atomic step
    until(lambda: client.get("/Users").status_code == 200)
    assert 1 == client.get("/Users").json()["totalResults"]
    assert 201 == post(client, "again").status_code
    assert_sound(scim.database)


def test_a_file_that_is_being_copied_back_is_not_written_to(tmp_path: Path, serve: Served) -> None:
    scim = serve()
    client = scim.client()
    assert 201 == post(client, "before").status_code
    with scim.file() as database:
        database.execute("VACUUM INTO ?", (str(tmp_path / "backup.db"),))
    for file in _files(scim.database):
        file.unlink(missing_ok=True)
    content = (tmp_path / "backup.db").read_bytes()
    with scim.database.open("wb", buffering=0) as copy:
        for _ in range(2):
            assert_later(post(client, "early"))
        assert not copy.tell()
        assert not scim.database.stat().st_size
        copy.write(content[:512])
        assert_later(post(client, "early"))
        copy.write(content[512:])
    assert 201 == post(client, "after").status_code
    assert_sound(scim.database)
