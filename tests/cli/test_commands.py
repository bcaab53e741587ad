"""The command line as real processes, on a real file."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from scim_asgi.provisioning.clock import now
from tests.client import Client, assert_error
from tests.commands import attempt, attempt_here, command, command_here, served
from tests.waiting import until

PRODUCT = """
import json, sys

class Hooks:
    async def create(self, account, context):
        print("created", account.email_address, file=sys.stderr, flush=True)
        return "host-1"
    async def update(self, account, context): ...
    async def deactivate(self, account, context): ...

hooks = Hooks()
"""


def test_a_token_that_is_issued_works_at_a_server_that_runs(tmp_path: Path) -> None:
    with served(tmp_path) as (url, process):
        token = command(tmp_path, "token", "issue", "acme", "--name", "Entra").stdout.splitlines()[
            -1
        ]
        assert re.fullmatch(r"scim_[0-9A-Za-z]{49}", token)
        client = Client(url, token)
        assert client.create_user("ada@acme.test")["meta"]["location"].startswith(url)
        listed = json.loads(command(tmp_path, "token", "list", "acme", "--json").stdout)
        assert 1 == listed["total_count"]
        revoked = command(tmp_path, "token", "revoke", listed["data"][0]["id"], "--json").stdout
        assert json.loads(revoked)["revoked_at"] is not None
        assert_error(client.get("/Users"), 401)
        client.close()
    assert process.returncode in (0, -signal.SIGTERM)


def test_an_issued_token_as_json_has_the_promised_members(tmp_path: Path) -> None:
    done = command_here(
        tmp_path, "token", "issue", "acme", "--name", "Okta", "--expires", "90d", "--json"
    )
    issued = json.loads(done.stdout)
    assert [
        "id",
        "object",
        "organization_id",
        "name",
        "prefix",
        "token",
        "created_at",
        "revoked_at",
        "expires_at",
    ] == list(issued)
    assert ("scim_token", "acme", "Okta", None) == (
        issued["object"],
        issued["organization_id"],
        issued["name"],
        issued["revoked_at"],
    )
    assert abs(issued["created_at"] - now()) < 60_000
    assert 90 * 86_400_000 == pytest.approx(issued["expires_at"] - issued["created_at"], abs=5000)
    assert issued["token"] not in command_here(tmp_path, "token", "list", "acme").stdout
    assert issued["prefix"] in command_here(tmp_path, "token", "list", "acme").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("token", "issue", "acme"), "--name"),
        (("token", "issue", "", "--name", "x"), "characters"),
        (("token", "issue", "acme", "--name", "x", "--expires", "soon"), "90d"),
        (("token", "issue", "acme", "--name", "x", "--expires", "0d"), "expired"),
        (("token", "issue", "acme", "--name", "x", "--expires", "9999y"), "year 9999"),
        (("token", "revoke", "nope"), "no token"),
        (("log", "acme", "--limit", "-5"), "--limit"),
        (("users", "list", "acme", "--limit", "0"), "--limit"),
        (("mapping", "restore", "acme", "99999999999999999999"), "VERSION"),
        (("token", "list", "acme", "--database", "mysql://x"), "sqlite:///"),
        (("token", "list", "acme", "--database", "nowhere/scim.db"), "cannot be opened"),
        (("serve", "--hooks", "nope:nope"), "nope"),
        (("serve", "--rate-limit", "often"), "often"),
    ],
)
def test_a_mistake_ends_with_a_message_and_no_traceback(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    # A server that does not fail does not end.
    run = attempt if arguments[0] == "serve" else attempt_here
    done = run(tmp_path, *arguments)
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_mapping_is_set_shown_and_refused_key_by_key(tmp_path: Path) -> None:
    override = tmp_path / "override.json"
    override.write_text('{"title": "organization_role"}')
    command_here(tmp_path, "mapping", "set", "acme", str(override))
    assert {"title": "organization_role"} == json.loads(
        command_here(tmp_path, "mapping", "show", "acme").stdout
    )
    override.write_text('{"nope": "first_name", "title": "{{ value | size }}.first_name"}')
    done = command_here(tmp_path, "mapping", "set", "acme", str(override), status=1)
    assert '"nope"' in done.stderr
    assert '"title"' in done.stderr
    assert "size" in done.stderr
    override.write_text("[]")
    assert (
        "JSON object"
        in command_here(tmp_path, "mapping", "set", "acme", str(override), status=1).stderr
    )
    assert {"title": "organization_role"} == json.loads(
        command_here(tmp_path, "mapping", "show", "acme").stdout
    )


def test_a_mapping_to_the_hosts_own_fields_is_checked_against_its_account_type(
    tmp_path: Path,
) -> None:
    (tmp_path / "product.py").write_text(
        "import msgspec\nclass Employee(msgspec.Struct):\n    id: str\n    badge: str = ''\n"
    )
    override = tmp_path / "override.json"
    override.write_text('{"title": "badge"}')
    command(tmp_path, "mapping", "set", "acme", str(override), status=1)
    command(tmp_path, "mapping", "set", "acme", str(override), "--account", "product:Employee")


def test_hooks_of_a_module_are_called_and_the_log_says_so(tmp_path: Path) -> None:
    (tmp_path / "product.py").write_text(PRODUCT)
    with served(tmp_path, "--hooks", "product:hooks") as (url, _):
        token = command_here(tmp_path, "token", "issue", "acme", "--name", "x").stdout.splitlines()[
            -1
        ]
        client = Client(url, token)
        client.create_user("ada@acme.test")
        client.get("/Users?filter=nope eq 1")
        until(lambda: len(command_here(tmp_path, "log", "acme", "--json").stdout.splitlines()) == 3)
        client.close()
    rows = [
        json.loads(line)
        for line in command_here(tmp_path, "log", "acme", "--json").stdout.splitlines()
    ]
    issued, created, refused = rows
    assert ("token-issued", "cli") == (issued["action"], issued["surface"])
    assert token not in json.dumps(rows)
    assert ("created", 201, "create") == (
        created["action"],
        created["status"],
        created["hook"]["change"],
    )
    assert ("refused", 400, "invalidFilter") == (
        refused["action"],
        refused["status"],
        refused["scim_type"],
    )
    assert "ada@acme.test" in command_here(tmp_path, "log", "acme").stdout


def test_a_public_base_url_is_said_and_used(tmp_path: Path) -> None:
    base = "https://acme.example/scim/v2"
    process = subprocess.Popen(
        [sys.executable, "-m", "scim_asgi", "serve", "--port", "0", "--base-url", base],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert f"Serving SCIM 2.0 at {base}\n" == process.stdout.readline()
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def test_a_port_that_is_taken_ends_the_server_with_an_error(tmp_path: Path) -> None:
    with served(tmp_path) as (url, _):
        port = httpx.URL(url).port
        done = attempt(tmp_path, "serve", "--port", str(port))
    assert done.returncode != 0
    assert "" == done.stdout
