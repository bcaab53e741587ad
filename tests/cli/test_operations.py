"""The commands of whoever keeps the product and its directories in line."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.client import USER, Client, assert_error
from tests.commands import attempt, command, served
from tests.conftest import issue_token
from tests.waiting import until

PRODUCT = """
import json, pathlib

class Hooks:
    def __init__(self):
        pathlib.Path("accounts").mkdir(exist_ok=True)

    async def create(self, account, context):
        if pathlib.Path("broken").exists():
            raise RuntimeError("broken")
        fields = {
            "email_address": account.email_address,
            "last_name": account.last_name,
            "active": account.active and context.change != "delete",
        }
        written = pathlib.Path(f"{account.id}.new")  # so that nobody reads half of it
        written.write_text(json.dumps(fields))
        written.rename(f"accounts/{account.id}")

    update = deactivate = create

    async def read(self, account_ids):
        files = {each: pathlib.Path(f"accounts/{each}") for each in account_ids}
        return {each: json.loads(file.read_text()) for each, file in files.items() if file.exists()}
"""
HOOKS = ("--hooks", "product:Hooks")


class Product:
    """`scim-asgi serve` with a product that keeps each account in a file."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.client = Client(url, issue_token(folder / "scim.db"))

    @property
    def files(self) -> list[Path]:
        """The product's accounts, in the order in which they were made."""
        return sorted((self.folder / "accounts").iterdir())

    def accounts(self) -> list[dict[str, Any]]:
        """Return what the product has."""
        return [json.loads(file.read_text()) for file in self.files]


@contextmanager
def product(folder: Path, *arguments: str) -> Iterator[Product]:
    (folder / "product.py").write_text(PRODUCT)
    with served(folder, *HOOKS, *arguments) as (url, _):
        served_product = Product(folder, url)
        try:
            yield served_product
        finally:
            served_product.client.close()


def test_reconcile_all_restores_a_product_that_has_lost_its_accounts(tmp_path: Path) -> None:
    with product(tmp_path) as acme:
        users = [acme.client.create_user(f"u{each}@acme.test")["id"] for each in range(5)]
        acme.client.send("DELETE", f"/Users/{users[0]}")
        before = acme.accounts()
        for file in acme.files:
            file.unlink()
        assert "0 accounts of acme were delivered" in command(tmp_path, "reconcile", "acme").stdout
        assert [] == acme.files
        done = command(tmp_path, "reconcile", "acme", "--all")
        assert "5 of 5 delivered" in done.stdout
        assert "5 accounts of acme were delivered." in done.stdout
        assert before == acme.accounts()
        for file in acme.files:
            file.unlink()
        lines = command(tmp_path, "reconcile", "acme", "--all", "--json").stdout.splitlines()
        last = json.loads(lines[-1])
        assert {
            "organization_id": "acme",
            "total": 5,
            "left": 0,
            "failed": 0,
            "is_done": True,
        } == last
        assert before == acme.accounts()


def test_reconcile_shows_a_bar_on_a_terminal(tmp_path: Path) -> None:
    with product(tmp_path) as acme:
        acme.client.create_user("ada@acme.test")
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "scim_asgi", "reconcile", "acme", "--all"],
            cwd=tmp_path,
            env={**os.environ, "SCIM_ASGI_DATABASE": "sqlite:///scim.db", "TERM": "xterm"},
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:
                break
            if not part:
                break
            shown += part
        os.close(ours)
        assert 0 == process.wait(30), shown
    assert b"Delivering" in shown
    assert b"1/1" in shown


def test_reconcile_says_what_was_not_confirmed_and_status_lists_it(tmp_path: Path) -> None:
    with product(tmp_path) as acme:
        user = acme.client.create_user("ada@acme.test")["id"]
        (tmp_path / "broken").touch()
        name = {"op": "replace", "path": "name.familyName", "value": "N"}
        assert_error(acme.client.patch(f"/Users/{user}", name), 500)
        done = command(tmp_path, "reconcile", "acme", status=1)
        assert "1 account not confirmed, to be tried again" in done.stderr
        shown = command(tmp_path, "status", "acme").stdout
        assert "pending  1, since 20" in shown
        assert re.search(r"  (1 attempt|\d+ attempts)  next 20", shown)
        assert "users    1; 1 account is open" in shown
        assert "ada@acme.test" in shown
        assert f"PATCH /Users/{user}" in shown
        status = json.loads(command(tmp_path, "status", "--json").stdout)
        left = status["left"]
        assert (1, 0, 0) == (left["pending"], left["to_map"], left["held"])
        assert "update" == status["accounts"][0]["change"]
        (tmp_path / "broken").unlink()
        # The server may have been first.
        done = command(tmp_path, "reconcile", "acme")
        assert re.search(
            r"^(1 account of acme was|0 accounts of acme were) del", done.stdout, re.MULTILINE
        )
        assert "pending  0;" in command(tmp_path, "status").stdout
        assert "N" == acme.accounts()[0]["last_name"]


def test_reconcile_without_a_server_says_so_or_does_it_itself(tmp_path: Path) -> None:
    with product(tmp_path) as acme:
        acme.client.create_user("ada@acme.test")
    before = acme.accounts()
    acme.files[0].unlink()
    done = command(tmp_path, "reconcile", "acme", "--all", "--wait", "0.3", status=1)
    assert "start the server" in done.stderr
    assert [] == acme.files
    command(tmp_path, "reconcile", "acme", *HOOKS)
    assert before == acme.accounts()


def test_drift_lists_and_repairs_what_the_product_has_otherwise(tmp_path: Path) -> None:
    with product(tmp_path) as acme:
        for each in range(4):
            acme.client.create_user(f"u{each}@acme.test")
        assert "0 accounts of acme differ." in command(tmp_path, "drift", "acme", *HOOKS).stdout
        before = acme.accounts()
        lost, closed, renamed, _ = acme.files
        lost.unlink()
        closed.write_text(json.dumps({**before[1], "active": False}))
        renamed.write_text(json.dumps({**before[2], "last_name": "Other"}))
        shown = command(tmp_path, "drift", "acme", *HOOKS, status=1).stdout
        assert f"u0@acme.test  {lost.name}  -  missing in the product" in shown
        assert f"u1@acme.test  {closed.name}  -  closed, but to be open" in shown
        assert "last_name: 'Other', not None" in shown
        assert "3 accounts of acme differ." in shown
        rows = command(tmp_path, "drift", "acme", "--json", *HOOKS, status=1).stdout.splitlines()
        assert ["missing", "closed", "fields"] == [json.loads(row)["kind"] for row in rows]
        shown = command(tmp_path, "drift", "acme", "--repair", *HOOKS, status=1).stdout
        assert "3 accounts of acme differ; delivered again." in shown
        until(lambda: len(acme.files) == 4 and before == acme.accounts())


def test_status_of_an_organization_that_nobody_knows_says_so(tmp_path: Path) -> None:
    issue_token(tmp_path / "scim.db")
    shown = command(tmp_path, "status", "acmee").stdout
    assert "Nothing is known of the organization acmee: no token was ever issued" in shown
    assert "Nothing is known" not in command(tmp_path, "status", "acme").stdout
    assert "Nothing is known" not in command(tmp_path, "status").stdout


def test_drift_needs_the_hook_read(tmp_path: Path) -> None:
    issue_token(tmp_path / "scim.db")
    done = attempt(tmp_path, "drift", "acme")
    assert 1 == done.returncode
    assert "hook" in done.stderr
    assert "--hooks" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_the_guard_holds_is_shown_and_released(tmp_path: Path) -> None:
    with product(tmp_path, "--guard", "30%/1/10m") as acme:
        users = [acme.client.create_user(f"u{each}@acme.test")["id"] for each in range(4)]
        statuses = [acme.client.send("DELETE", f"/Users/{each}").status_code for each in users]
        assert [204, 503, 503, 503] == statuses
        shown = command(tmp_path, "status", "acme").stdout
        assert "held     3 (3 deletions): unusually many at once." in shown
        assert "scim-asgi release acme" in shown
        status = json.loads(command(tmp_path, "status", "acme", "--json").stdout)
        assert ("held", 3) == (status["state"], status["left"]["held"])
        assert "held" in command(tmp_path, "log", "acme").stdout
        released = command(tmp_path, "release", "acme", "--json").stdout
        assert {"organization_id": "acme", "released": 3} == json.loads(released)
        new = acme.client.create_user("new@acme.test")["id"]
        assert 503 == acme.client.send("DELETE", f"/Users/{new}").status_code
        assert "1 account of acme released." in command(tmp_path, "release", "acme").stdout
        assert "there was nothing to release" in command(tmp_path, "release", "acme").stdout
        for each in users[1:]:
            assert 204 == acme.client.send("DELETE", f"/Users/{each}").status_code


@pytest.mark.parametrize("guard", ["30", "30%", "0%/1/10m", "200%/1/10m", "30%/1/0m"])
def test_a_guard_that_cannot_be_meant_ends_with_a_message(tmp_path: Path, guard: str) -> None:
    done = attempt(tmp_path, "serve", "--port", "0", "--guard", guard)
    assert done.returncode != 0
    assert "guard" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_guard_everybody_may_leave(tmp_path: Path) -> None:
    with product(tmp_path, "--guard", "none") as acme:
        for each in range(22):
            body = {"schemas": [USER], "userName": f"u{each}@acme.test"}
            user = acme.client.post("/Users", body).json()["id"]
            assert 204 == acme.client.send("DELETE", f"/Users/{user}").status_code
