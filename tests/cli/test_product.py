"""The commands know which product they work on, and never take another's place."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.client import Client, assert_error
from tests.commands import attempt, command, served
from tests.conftest import issue_token
from tests.waiting import until

PRODUCT = """
import json, pathlib
import msgspec
from scim_asgi import ScimApp

class Employee(msgspec.Struct):
    id: str
    email_address: str
    department: str | None = None
    active: bool = True
    organization_role: str | None = None

class Hooks:
    async def create(self, account, context):
        pathlib.Path("accounts").mkdir(exist_ok=True)
        fields = {
            "email_address": account.email_address,
            "department": getattr(account, "department", None),
            "active": account.active,
        }
        written = pathlib.Path(f"{account.id}.new")  # so that nobody reads half of it
        written.write_text(json.dumps(fields))
        written.rename(f"accounts/{account.id}")

    update = deactivate = create

    async def read(self, account_ids):
        files = {each: pathlib.Path(f"accounts/{each}") for each in account_ids}
        return {each: json.loads(file.read_text()) for each, file in files.items() if file.exists()}

scim_app = ScimApp(
    "sqlite:///scim.db", hooks=Hooks(), account=Employee, roles={"org:admin", "org:member"}
)
other = Hooks()
"""
HOOKS = ("--hooks", "product:Hooks")
ACCOUNT = ("--account", "product:Employee")
APP = ("--app", "product:scim_app")
DEPARTMENT = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
OVERRIDE = {f"{DEPARTMENT}:department": "department"}


@contextmanager
def served_client(folder: Path, *arguments: str) -> Iterator[Client]:
    with served(folder, *arguments) as (url, _):
        client = Client(url, issue_token(folder / "scim.db"))
        try:
            yield client
        finally:
            client.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a product that has an account type of its own, and what it served before."""
    (tmp_path / "product.py").write_text(PRODUCT)
    (tmp_path / "override.json").write_text(json.dumps(OVERRIDE))
    (tmp_path / "wrong.json").write_text('{"rules": [{"group": "A", "role": "org:king"}]}')
    return tmp_path


def provision(folder: Path, *arguments: str) -> None:
    """Let a directory create two people, each with a department."""
    command(folder, "mapping", "set", "acme", "override.json", *ACCOUNT)
    with served_client(folder, *arguments) as client:
        for each in range(2):
            client.create_user(f"u{each}@acme.test", **{DEPARTMENT: {"department": "R&D"}})
    assert [{"R&D"}] == [{each["department"] for each in accounts(folder)}]


def accounts(folder: Path) -> list[dict[str, Any]]:
    """Return what the product has."""
    return [json.loads(each.read_text()) for each in sorted((folder / "accounts").iterdir())]


@pytest.mark.parametrize(
    "arguments",
    [
        ("reconcile", "acme", "--all", *HOOKS),
        ("drift", "acme", *HOOKS),
        ("drift", "acme", "--repair", *HOOKS),
        ("mapping", "set", "acme", "override.json"),
        ("mapping", "set", "acme", "override.json", "--dry-run"),
        ("mapping", "restore", "acme", "1"),
        ("roles", "set", "acme", "wrong.json"),
        ("serve", "--port", "0", *HOOKS),
    ],
    ids=" ".join,
)
def test_a_command_with_another_account_type_is_refused_and_calls_nothing(
    folder: Path, arguments: tuple[str, ...]
) -> None:
    provision(folder, *HOOKS, *ACCOUNT)
    before = accounts(folder)
    done = attempt(folder, *arguments)
    assert 1 == done.returncode, done.stdout
    assert "--account" in done.stderr
    assert "--app" in done.stderr
    assert "department" in done.stderr
    assert "Traceback" not in done.stderr
    assert before == accounts(folder)


def test_the_products_own_app_is_all_that_a_command_needs(folder: Path) -> None:
    provision(folder, *APP)
    assert "0 accounts of acme differ" in command(folder, "drift", "acme", *APP).stdout
    before = accounts(folder)
    for each in (folder / "accounts").iterdir():
        each.unlink()
    command(folder, "reconcile", "acme", "--all", *APP)
    assert before == accounts(folder)
    command(folder, "mapping", "set", "acme", "override.json", *APP)
    refused = attempt(folder, "roles", "set", "acme", "wrong.json", *APP)
    assert "org:king" in refused.stderr
    assert 1 == refused.returncode
    command(folder, "users", "list", "acme", *APP)


def test_a_role_that_the_running_product_does_not_know_is_refused_without_naming_it(
    folder: Path,
) -> None:
    provision(folder, *APP)
    refused = attempt(folder, "roles", "set", "acme", "wrong.json", *ACCOUNT)
    assert "org:king" in refused.stderr
    assert 1 == refused.returncode


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("drift", "acme", *APP, *HOOKS), "leave out --hooks"),
        (("status", "--database", "x.db", *APP), "leave out --database"),
        (("serve", "--base-url", "http://x.test", *APP), "leave out --base-url"),
        (("status", "--app", "product:other"), "no ScimApp"),
        (("status", "--app", "product:nope"), "nope"),
    ],
)
def test_what_an_app_has_itself_is_refused_beside_it(
    folder: Path, arguments: tuple[str, ...], says: str
) -> None:
    done = attempt(folder, *arguments)
    assert 2 == done.returncode
    assert says in done.stderr


def test_a_product_that_changes_its_account_type_still_starts(folder: Path) -> None:
    provision(folder, *APP)
    changed = PRODUCT.replace("organization_role: str", "office: str")
    (folder / "product.py").write_text(changed)
    with served_client(folder, *APP) as client:
        client.create_user("late@acme.test", **{DEPARTMENT: {"department": "R&D"}})
        until(lambda: len(accounts(folder)) == 3)
    command(folder, "drift", "acme", *HOOKS, *ACCOUNT)


def test_a_saved_mapping_that_does_not_fit_keeps_the_server_from_starting(folder: Path) -> None:
    provision(folder, *HOOKS, *ACCOUNT)
    (folder / "product.py").write_text(PRODUCT.replace("department: str", "unit: str"))
    done = attempt(folder, "serve", "--port", "0", *HOOKS, *ACCOUNT)
    assert 1 == done.returncode
    assert "acme" in done.stderr
    assert "department" in done.stderr
    assert "--account" in done.stderr
    (folder / "override.json").write_text("{}")
    command(folder, "mapping", "set", "acme", "override.json", *ACCOUNT)
    with served_client(folder, *HOOKS, *ACCOUNT):
        pass


def test_a_mapping_that_the_product_broke_is_no_fault_of_the_directory(folder: Path) -> None:
    provision(folder, *APP)
    with served_client(folder, *APP) as client:
        user = client.get("/Users").json()["Resources"][0]["id"]
        # What an older release saved while this one runs.
        older = PRODUCT.replace("department:", "unit: str | None = None\n    department:")
        (folder / "older.py").write_text(older)
        (folder / "override.json").write_text(json.dumps({"title": "unit"}))
        set_mapping = ("mapping", "set", "acme", "override.json", "--app", "older:scim_app")
        command(folder, *set_mapping)
        body = {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": "x@acme.test",
        }
        answer = client.post("/Users", body)
        assert_error(answer, 503)
        assert "at the product, not in the directory" in answer.json()["detail"]
        assert 0 < int(answer.headers["Retry-After"])
        assert_error(
            client.patch(f"/Users/{user}", {"op": "add", "path": "title", "value": "T"}), 503
        )
        closed = client.patch(f"/Users/{user}", {"op": "replace", "path": "active", "value": False})
        assert 200 == closed.status_code
    assert 1 == [each["active"] for each in accounts(folder)].count(False)
    assert "acme" in (folder / "serve.log").read_text()


def test_the_environment_names_the_product_for_every_command(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provision(folder, *APP)
    monkeypatch.setenv("SCIM_ASGI_APP", "product:scim_app")
    assert "0 accounts of acme differ" in command(folder, "drift", "acme").stdout
    monkeypatch.delenv("SCIM_ASGI_APP")
    monkeypatch.setenv("SCIM_ASGI_ACCOUNT", "product:Employee")
    monkeypatch.setenv("SCIM_ASGI_HOOKS", "product:Hooks")
    monkeypatch.setenv("SCIM_ASGI_ROLES", "org:admin org:member")
    assert "0 accounts of acme differ" in command(folder, "drift", "acme").stdout
    command(folder, "mapping", "set", "acme", "override.json")


def test_an_app_with_a_broken_mapping_logs_it_loudly_at_start_up(folder: Path) -> None:
    provision(folder, *APP)
    (folder / "product.py").write_text(PRODUCT.replace("department: str", "unit: str"))
    (folder / "start.py").write_text(
        "import asyncio, logging\nimport product\nlogging.basicConfig()\n"
        "async def main():\n    async with product.scim_app.lifespan(): pass\nasyncio.run(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "start.py"], cwd=folder, capture_output=True, text=True, check=True
    )
    assert "ERROR:scim_asgi.mapping" in done.stderr
    assert "acme" in done.stderr
    assert "department" in done.stderr
