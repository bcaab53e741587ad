"""Several processes on one file share the work and see each other's changes at once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.client import Client, assert_error
from tests.conftest import ask, issue_token
from tests.torture.processes import (
    Host,
    assert_each_delivery_had_one_effect,
    rows,
    running,
)
from tests.waiting import until

_GUARD = {"share": 0.3, "minimum": 2, "seconds": 600}


class Pair:
    """Two processes of one product, on the same files, and a client for each."""

    def __init__(self, folder: Path, stack: ExitStack, **options: Any) -> None:
        self.folder = folder
        self.hosts = [stack.enter_context(running(folder, **options)) for _ in range(2)]
        self.token = issue_token(folder / "scim.db")
        self.clients = [Client(host.base_url, self.token) for host in self.hosts]
        for client in self.clients:
            stack.callback(client.close)

    @property
    def host(self) -> Host:
        return self.hosts[0]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with ExitStack() as stack:
        yield Pair(tmp_path, stack, pause=0.01)


def test_the_work_of_the_background_is_shared_and_done_once(pair: Pair) -> None:
    one, other = pair.clients
    for number in range(60):
        client = (one, other)[number % 2]
        client.create_user(f"u{number}@acme.test", nickName=f"n{number}")
    first = rows(pair.folder / "host.db", "SELECT max(number) FROM deliveries")[0][0]
    for host in pair.hosts:
        host.ask("/pause", {"seconds": 0.5})
    pair.host.ask("/mapping", {"nickName": "public_metadata.nick"})
    pair.host.until_settled()
    told = rows(
        pair.folder / "host.db",
        "SELECT delivery_id, account_id, process FROM deliveries WHERE number > ?",
        first,
    )
    assert 60 == len(told)
    assert 60 == len({delivery for delivery, _, _ in told})
    assert 60 == len({account for _, account, _ in told})
    assert {host.process.pid for host in pair.hosts} == {process for _, _, process in told}
    assert_each_delivery_had_one_effect(pair.folder)


def test_hooks_in_time_for_one_account_never_run_at_once_in_two_processes(pair: Pair) -> None:
    one, other = pair.clients
    user = one.create_user("ada@acme.test")["id"]
    for number in range(10):
        for client, path in ((one, "name.familyName"), (other, "name.givenName")):
            operation = {"op": "replace", "path": path, "value": f"N{number}"}
            assert 200 == client.patch(f"/Users/{user}", operation).status_code
        pair.host.ask("/mapping", {"nickName": f"public_metadata.n{number}"})
    pair.host.until_settled()
    calls = rows(pair.folder / "host.db", "SELECT began, ended FROM deliveries ORDER BY began")
    assert len(calls) >= 21
    assert all(ended <= began for (_, ended), (began, _) in itertools.pairwise(calls))


def test_a_token_that_is_revoked_in_one_process_is_refused_by_the_other_at_once(
    pair: Pair,
) -> None:
    one, other = pair.clients
    assert 200 == one.get("/Users").status_code == other.get("/Users").status_code
    (listed,) = ask(pair.folder / "scim.db", lambda app: app.tokens.list("acme"))
    pair.host.ask("/revoke", {"id": listed.id})
    assert_error(other.get("/Users"), 401)
    assert_error(one.get("/Users"), 401)


def test_a_mapping_that_is_set_in_one_process_holds_in_the_other_at_once(pair: Pair) -> None:
    _, other = pair.clients
    for number in range(5):
        pair.host.ask("/mapping", {"title": f"public_metadata.t{number}"})
        other.create_user(f"u{number}@acme.test", title="T")
        query = "SELECT content ->> '$.public_metadata' FROM deliveries ORDER BY number DESC"
        assert f'{{"t{number}":"T"}}' == rows(pair.folder / "host.db", query)[0][0]
        pair.host.until_settled()


def test_a_process_takes_over_what_a_killed_one_had_begun(tmp_path: Path) -> None:
    with ExitStack() as stack:
        pair = Pair(tmp_path, stack, hook_timeout=1.5)
        one, other = pair.clients
        pair.host.ask("/arm", {"place": "after hook", "times": 1})
        with pytest.raises(httpx.TransportError, match=r"disconnected|closed|reset"):
            one.create_user("ada@acme.test")
        pair.host.wait()
        pair.hosts[1].until_settled()
        assert 1 == other.get("/Users").json()["totalResults"]
        assert [(2, 1, 1)] == rows(
            tmp_path / "host.db",
            "SELECT count(*), count(DISTINCT delivery_id), count(DISTINCT account_id) "
            "FROM deliveries",
        )
        assert_each_delivery_had_one_effect(tmp_path)


def test_what_a_killed_process_may_have_done_is_taken_back_when_it_is_refused_later(
    tmp_path: Path,
) -> None:
    with ExitStack() as stack:
        pair = Pair(tmp_path, stack, hook_timeout=1.5)
        one, other = pair.clients
        pair.hosts[1].ask("/refuse", {"family": "Twice"})
        pair.host.ask("/arm", {"place": "after hook", "times": 1})
        with pytest.raises(httpx.TransportError):
            one.create_user("ada@acme.test", name={"familyName": "Twice"})
        pair.host.wait()
        assert [(1,)] == rows(tmp_path / "host.db", "SELECT is_open FROM accounts")
        pair.hosts[1].until_settled()
        assert 0 == other.get("/Users").json()["totalResults"]
        assert [(0,)] == rows(tmp_path / "host.db", "SELECT is_open FROM accounts")
        changes = rows(tmp_path / "host.db", "SELECT change FROM deliveries ORDER BY number")
        assert [("create",), ("delete",)] == changes


def test_the_guard_counts_what_all_processes_close(tmp_path: Path) -> None:
    with ExitStack() as stack:
        pair = Pair(tmp_path, stack, guard=_GUARD)
        users = [pair.clients[0].create_user(f"u{each}@acme.test")["id"] for each in range(4)]
        statuses = [
            client.send("DELETE", f"/Users/{user}").status_code
            for client, user in zip(pair.clients * 2, users, strict=True)
        ]
        assert [204, 204, 503, 503] == statuses
        assert 2 == ask(tmp_path / "scim.db", lambda app: app.reconciliation.release("acme"))
        assert 204 == pair.clients[1].send("DELETE", f"/Users/{users[2]}").status_code
        until(lambda: pair.host.ask("/status")["pending"] == 0)
