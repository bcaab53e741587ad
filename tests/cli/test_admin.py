"""What an operator sees of an organization: users, groups, tokens, status and the log."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.client import Client
from tests.commands import command_here, served


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database that a directory has written to, and that nobody changes."""
    made = tmp_path_factory.mktemp("admin")
    with served(made) as (url, _):
        token = command_here(made, "token", "issue", "acme", "--name", "x").stdout.split()[-1]
        client = Client(url, token)
        user = client.create_user("ada@acme.test", externalId="E-1")
        client.create_user("bob@acme.test")
        client.create_group("Engineering", user["id"])
        client.post("/Users", b"{")
        client.close()
    return made


def test_users_groups_and_tokens_are_tables_or_json(folder: Path) -> None:
    table = command_here(folder, "users", "list", "acme").stdout.splitlines()
    assert ["id", "userName", "externalId"] == table[0].split()[:3]
    assert 3 == len(table)
    assert "\x1b" not in "".join(table)
    found = json.loads(
        command_here(folder, "users", "list", "acme", "--search", "E-1", "--json").stdout
    )
    (ada,) = found["data"]
    assert ("ada@acme.test", 2) == (ada["user_name"], found["total_count"])
    shown = json.loads(command_here(folder, "users", "show", "acme", ada["id"], "--json").stdout)
    assert "ada@acme.test" == shown["resource"]["userName"]
    assert "created" in command_here(folder, "users", "show", "acme", ada["id"]).stdout
    assert "There is no User" in command_here(folder, "users", "show", "acme", "x", status=1).stderr
    assert "Engineering" in command_here(folder, "groups", "list", "acme").stdout
    empty = command_here(folder, "groups", "list", "acme", "--members", "none", "--json").stdout
    assert [] == json.loads(empty)["data"]
    tokens = command_here(folder, "token", "list", "acme").stdout.splitlines()
    assert tokens[0].startswith("id ")
    assert "live" in tokens[1]
    status = json.loads(command_here(folder, "status", "acme", "--json").stdout)
    assert (2, 1) == (status["users"], status["groups"])
    assert "users    2" in command_here(folder, "status", "acme").stdout


def test_the_log_is_filtered_and_exported(folder: Path) -> None:
    def actions(*options: str) -> list[str]:
        lines = command_here(folder, "log", "acme", "--json", *options).stdout.splitlines()
        return [json.loads(line)["action"] for line in lines]

    assert ["refused"] == actions("--outcome", "refused")
    assert ["created"] == actions("--user", "ADA@acme.test")
    assert ["token-issued"] == actions("--action", "token-issued", "--since", "1h")
    assert [] == actions("--until", "2020-01-01")
    assert "no time" in command_here(folder, "log", "acme", "--since", "noon", status=2).stderr
    sheet = command_here(folder, "log", "acme", "--csv").stdout.splitlines()
    assert sheet[0].startswith("time,number,")
    assert 6 == len(sheet)


def test_the_log_is_followed(folder: Path, tmp_path: Path) -> None:
    shutil.copyfile(folder / "scim.db", tmp_path / "scim.db")
    process = subprocess.Popen(
        [sys.executable, "-m", "scim_asgi", "log", "acme", "--follow", "--limit", "1", "--json"],
        cwd=tmp_path,
        env={**os.environ, "SCIM_ASGI_DATABASE": "sqlite:///scim.db"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert "refused" == json.loads(process.stdout.readline())["action"]
        command_here(tmp_path, "token", "issue", "acme", "--name", "second")
        assert "token-issued" == json.loads(process.stdout.readline())["action"]
    finally:
        process.kill()
        process.communicate(timeout=30)
