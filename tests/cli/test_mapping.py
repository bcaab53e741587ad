"""`scim-asgi mapping` and `scim-asgi roles`, on the files of real servers.

The commands run in this process, which is faster; those on a terminal are processes.
"""

from __future__ import annotations

import getpass
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.client import Client
from tests.commands import attempt_here, command_here, served
from tests.conftest import issue_token

HOOKS = """
import asyncio, os, msgspec

class Hooks:
    async def create(self, account, context): ...
    async def update(self, account, context):
        while os.path.exists("hold"):
            await asyncio.sleep(0.01)
    async def deactivate(self, account, context): ...

hooks = Hooks()

class Employee(msgspec.Struct):
    id: str
    badge: int = 0
"""
HOST = ("--hooks", "mapped_product:hooks", "--rate-limit", "none")
TITLE = '{"title": "public_metadata.title"}'
ROLES = '{"rules": [{"group": "Acme-Admins", "role": "org:admin"}], "default": "org:member"}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files that the commands are given."""
    (tmp_path / "mapped_product.py").write_text(HOOKS)
    (tmp_path / "title.json").write_text(TITLE)
    (tmp_path / "roles.json").write_text(ROLES)
    return tmp_path


def as_json(folder: Path, *arguments: str) -> Any:
    """Run a command that prints one line of JSON."""
    return json.loads(command_here(folder, *arguments, "--json").stdout)


def on_terminal(folder: Path, *arguments: str) -> str:
    """Run a command whose output is a terminal and return what it shows.

    Hooks that wait for the file `hold` to go are let on as soon as it shows anything.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "scim_asgi", *arguments],
        cwd=folder,
        env={**os.environ, "SCIM_ASGI_DATABASE": "sqlite:///scim.db", "COLUMNS": "200"},
        stdout=theirs,
        stderr=theirs,
        stdin=theirs,
    )
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 4096):
            shown += chunk
            (folder / "hold").unlink(missing_ok=True)
    except OSError:  # the terminal's other end has closed
        pass
    finally:
        os.close(ours)
        assert 0 == process.wait(30), shown.decode()
    return shown.decode()


def filled(folder: Path, url: str, count: int) -> list[str]:
    """Create users of acme with a title and return their ids."""
    token = command_here(folder, "token", "issue", "acme", "--name", "x").stdout.split()[-1]
    client = Client(url, token)
    ids = [client.create_user(f"user{n:02}@acme.test", title="T")["id"] for n in range(count)]
    client.create_group("Acme-Admins", ids[0])
    client.close()
    return ids


def test_a_mapping_is_tried_out_saved_watched_and_taken_back(folder: Path) -> None:
    with served(folder, *HOST) as (url, _):
        ids = filled(folder, url, 30)
        tried = command_here(folder, "mapping", "set", "acme", "title.json", "--dry-run").stdout
        assert "Of 30 accounts 30 would change and 0 could not be mapped." in tried
        assert 'user00@acme.test: public_metadata: nothing → {"title":"T"}' in tried
        assert "… and 10 more" in tried
        assert "{}\n" == command_here(folder, "mapping", "show", "acme").stdout
        trial = as_json(folder, "mapping", "set", "acme", "title.json", "--dry-run")
        assert (30, 30, 20) == (trial["total"], trial["changed"], len(trial["examples"]))
        assert "Nothing was ever mapped" in command_here(folder, "mapping", "status", "acme").stdout
        saved = command_here(folder, "mapping", "set", "acme", "title.json").stdout
        assert "version 1" in saved
        shown = on_terminal(folder, "mapping", "status", "acme")
        assert "Mapping acme anew" in shown or "done" in shown
        assert "30 of 30 accounts mapped, 30 changed, 0 skipped, 0 wait" in shown
        status = as_json(folder, "mapping", "status", "acme")
        assert (True, 30, 30) == (status["is_finished"], status["mapped"], status["total"])
        line = command_here(folder, "mapping", "status", "acme").stdout
        assert 1 == line.count("\n")
        assert "done (attribute mapping)" in line
        (folder / "none.json").write_text("{}")
        command_here(folder, "mapping", "set", "acme", "none.json")
        restored = as_json(folder, "mapping", "restore", "acme", "1")
        assert {"organization_id": "acme", "version": 3} == restored
        preview = command_here(folder, "mapping", "preview", "acme", "--user", ids[0]).stdout
        assert 'public_metadata.title = "T"\n  title holds "T"; taken' in preview


def test_the_bar_of_a_terminal_moves_until_all_is_done(folder: Path) -> None:
    with served(folder, *HOST) as (url, _):
        filled(folder, url, 60)
        (folder / "hold").touch()
        command_here(folder, "mapping", "set", "acme", "title.json")
        shown = on_terminal(folder, "mapping", "status", "acme")
    assert "Mapping acme anew" in shown
    assert "60/60" in shown
    assert shown.rstrip().endswith("0 wait for the product")


def test_the_history_shows_who_and_the_difference(folder: Path) -> None:
    command_here(folder, "mapping", "set", "acme", "title.json")
    (folder / "other.json").write_text('{"title": "first_name"}')
    command_here(folder, "mapping", "set", "acme", "other.json")
    text = command_here(folder, "mapping", "history", "acme").stdout
    assert text.splitlines()[0].startswith("   2  20")
    assert text.splitlines()[0].endswith(f"  {getpass.getuser()}")
    assert "      - title: public_metadata.title\n      + title: first_name\n" in text
    (newest,) = as_json(folder, "mapping", "history", "acme", "--limit", "1")["data"]
    assert {"title": ["public_metadata.title", "first_name"]} == newest["difference"]
    assert "" == command_here(folder, "mapping", "history", "other").stdout
    shown = as_json(folder, "mapping", "show", "acme")
    assert {"mapping", "defaults", "status"} == set(shown)
    assert {"title": "first_name"} == shown["mapping"]
    assert "first_name" == shown["defaults"]["name.givenName"]
    done = attempt_here(folder, "mapping", "restore", "acme", "9")
    assert (1, True) == (done.returncode, "no version 9" in done.stderr)
    trial = as_json(folder, "mapping", "restore", "acme", "1", "--dry-run")
    assert 0 == trial["total"]


def test_a_preview_of_a_pasted_user_explains_each_field(folder: Path) -> None:
    user = {
        "userName": "ada@acme.test",
        "title": "Boss",
        "groups": [{"display": "acme-admins"}],
    }
    (folder / "user.json").write_text(json.dumps(user))
    command_here(folder, "roles", "set", "acme", "roles.json")
    arguments = ("mapping", "preview", "acme", "--resource", "user.json")
    text = command_here(folder, *arguments, "--mapping", "title.json").stdout
    assert '"organization_role": "org:admin"' in text
    assert 'role rule "Acme-Admins" holds "acme-admins" and gives "org:admin"; taken' in text
    assert "emails[primary eq true].value by default holds nothing; not taken: it yields" in text
    found = as_json(folder, *arguments)
    assert "org:admin" == found["account"]["organization_role"]
    assert {} == found["account"].get("public_metadata", {})
    (folder / "user.json").write_text('{"userName": "nobody"}')
    assert "No account: The account field" in command_here(folder, *arguments).stdout


def test_role_rules_are_tried_out_set_and_shown(folder: Path) -> None:
    known = ("--role", "org:admin", "--role", "org:member")
    with served(folder, *HOST, *known) as (url, _):
        filled(folder, url, 2)
    tried = command_here(folder, "roles", "set", "acme", "roles.json", "--dry-run").stdout
    assert "user00@acme.test: organization_role: nothing → " in tried
    assert "no role\n" in command_here(folder, "roles", "show", "acme").stdout
    command_here(folder, "roles", "set", "acme", "roles.json")
    assert "Acme-Admins → org:admin\neverybody else → org:member\n" == (
        command_here(folder, "roles", "show", "acme").stdout
    )
    assert json.loads(ROLES) == as_json(folder, "roles", "show", "acme")
    command_here(folder, "roles", "set", "acme", "roles.json", *known)
    assert "role rules" in command_here(folder, "mapping", "status", "acme").stdout


def test_role_rules_have_a_history_and_are_restored(folder: Path) -> None:
    command_here(folder, "roles", "set", "acme", "roles.json")
    (folder / "other.json").write_text('{"rules": [{"group": "Acme-Admins", "role": "org:owner"}]}')
    other = as_json(folder, "roles", "set", "acme", "other.json", "--if-version", "1")
    assert ("acme", 2) == (other["organization_id"], other["version"])
    text = command_here(folder, "roles", "history", "acme").stdout
    assert text.splitlines()[0].endswith(f"  {getpass.getuser()}")
    assert "      - Acme-Admins: org:admin\n      + Acme-Admins: org:owner\n" in text
    assert "      - default role: org:member\n" in text
    (newest,) = as_json(folder, "roles", "history", "acme", "--limit", "1")["data"]
    assert (2, ["org:admin", "org:owner"]) == (
        newest["version"],
        newest["difference"]["Acme-Admins"],
    )
    assert 0 == as_json(folder, "roles", "restore", "acme", "1", "--dry-run")["total"]
    restored = command_here(folder, "roles", "restore", "acme", "1").stdout
    assert restored.startswith("Saved the role rules of acme as version 3.")
    assert json.loads(ROLES) == as_json(folder, "roles", "show", "acme")
    done = attempt_here(folder, "roles", "restore", "acme", "9")
    assert (1, True) == (done.returncode, "no version 9 of the role rules" in done.stderr)
    assert "" == command_here(folder, "roles", "history", "other").stdout


@pytest.mark.parametrize(("group", "file"), [("mapping", "title.json"), ("roles", "roles.json")])
def test_who_names_the_version_saves_over_no_newer_one(folder: Path, group: str, file: str) -> None:
    command_here(folder, group, "set", "acme", file, "--if-version", "0")
    (folder / "none.json").write_text("{}")
    done = attempt_here(folder, group, "set", "acme", "none.json", "--if-version", "0")
    assert (1, True) == (done.returncode, "is at version 1, saved by" in done.stderr)
    command_here(folder, group, "set", "acme", "none.json", "--if-version", "1")
    done = attempt_here(folder, group, "restore", "acme", "1", "--if-version", "1")
    assert (1, True) == (done.returncode, "is at version 2, saved by" in done.stderr)
    versions = as_json(folder, group, "history", "acme")["data"]
    assert [2, 1] == [each["version"] for each in versions]
    restored = as_json(folder, group, "restore", "acme", "1", "--if-version", "2")
    assert {"organization_id": "acme", "version": 3} == restored
    again = command_here(folder, group, "restore", "acme", "1", "--if-version", "2").stdout
    assert again.startswith("Nothing was saved: version 3 of the")


@pytest.mark.parametrize(
    ("text", "arguments", "says"),
    [
        ("[]", ("roles", "set", "acme", "x.json"), "a JSON object with rules"),
        ('{"rule": []}', ("roles", "set", "acme", "x.json"), "rule"),
        ('{"rules": [{"group": "A"}]}', ("roles", "set", "acme", "x.json"), "role"),
        (ROLES, ("roles", "set", "acme", "x.json", "--role", "org:member"), "org:admin"),
        (
            ROLES,
            ("roles", "set", "acme", "x.json", "--account", "mapped_product:Employee"),
            "no such",
        ),
        ('{"a": "b", "c": "d"}', ("mapping", "set", "acme", "x.json"), '\n  "c", character 1'),
        ('{"active": "badge"}', ("mapping", "set", "acme", "x.json"), "badge"),
        (
            '{"active": "badge"}',
            (
                "mapping",
                "set",
                "acme",
                "x.json",
                "--account",
                "mapped_product:Employee",
                "--dry-run",
            ),
            "a boolean",
        ),
        ("{}", ("mapping", "preview", "acme"), "--user ID or --resource FILE"),
        ("{}", ("mapping", "preview", "acme", "--user", "1"), "no User"),
        ("{}", ("mapping", "preview", "acme", "--resource", "x.json"), "userName"),
        ("x", ("mapping", "preview", "acme", "--resource", "x.json"), "a User as JSON"),
    ],
)
def test_a_mistake_is_said_and_changes_nothing(
    folder: Path, text: str, arguments: tuple[str, ...], says: str
) -> None:
    (folder / "x.json").write_text(text)
    done = attempt_here(folder, *arguments)
    assert done.returncode != 0
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert "{}\n" == command_here(folder, "mapping", "show", "acme").stdout


def test_the_log_is_counted_by_action(folder: Path) -> None:
    with served(folder, *HOST) as (url, _):
        token = command_here(folder, "token", "issue", "acme", "--name", "x").stdout.split()[-1]
        client = Client(url, token)
        client.create_user("ada@acme.test")
        client.post("/Users", {"schemas": [], "userName": "nobody"})
        body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "nobody"}
        assert 400 == client.post("/Users", body).status_code
        client.close()
    counted = {"created": 1, "refused": 1, "skipped": 1, "token-issued": 1}
    assert counted == as_json(folder, "log", "acme", "--counts")
    assert "skipped                1" in command_here(folder, "log", "acme", "--counts").stdout


def test_without_hooks_there_are_no_accounts_to_map_and_the_commands_say_so(
    folder: Path,
) -> None:
    with served(folder) as (url, _):
        client = Client(url, issue_token(folder / "scim.db"))
        client.create_user("ada@acme.test")
        client.close()
        tried = command_here(folder, "mapping", "set", "acme", "title.json", "--dry-run").stdout
        assert tried.startswith("There are no accounts to change.")
        assert "without hooks" in tried
        command_here(folder, "mapping", "set", "acme", "title.json")
        shown = command_here(folder, "mapping", "status", "acme").stdout
        assert "done (attribute mapping): there were no accounts to map." in shown
        assert "without hooks" in shown


def test_saving_or_restoring_what_is_in_force_says_that_nothing_was_saved(folder: Path) -> None:
    (folder / "none.json").write_text("{}")
    saved = command_here(folder, "mapping", "set", "acme", "title.json").stdout
    assert "Saved the mapping of acme as version 1." in saved
    for again in (("set", "acme", "title.json"), ("restore", "acme", "1")):
        done = command_here(folder, "mapping", *again).stdout
        assert "Nothing was saved: version 1 of the mapping of acme is the same." in done
    command_here(folder, "mapping", "set", "acme", "none.json")
    assert "as version 3." in command_here(folder, "mapping", "restore", "acme", "1").stdout
    assert "There is no version 9" in attempt_here(folder, "mapping", "restore", "acme", "9").stderr
