"""Nobody saves over what they have not seen; every version is kept and can be restored."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count
from typing import Any

import httpx
import pytest

from scim_asgi import RoleRule, RoleRules
from scim_asgi.provisioning.versions import VersionConflict
from tests.admin.conftest import Host, Hosts

MAPPING, ROLES = "/attribute-mappings", "/role-rules"
BODIES: dict[str, list[dict[str, Any]]] = {
    MAPPING: [{"mapping": {"title": f"public_metadata.t{number}"}} for number in range(4)],
    ROLES: [{"rules": [{"group": "A", "role": f"r{number}"}]} for number in range(4)],
}
_numbers = count()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with ExitStack() as stack:
        yield Hosts(stack, tmp_path_factory.mktemp("versions"))()


@pytest.fixture
def admin(served: Host) -> httpx.Client:
    """A client of an organization that nothing was saved for yet."""
    return served.admin(f"versions-{next(_numbers)}")


def put(admin: httpx.Client, path: str, number: int, tag: str | None = None) -> httpx.Response:
    headers = {} if tag is None else {"If-Match": tag}
    return admin.put(path, json=BODIES[path][number], headers=headers)


def refused(response: httpx.Response) -> dict[str, Any]:
    assert 412 == response.status_code, response.text
    (error,) = response.json()["errors"]
    assert ("version_conflict", {"param": "If-Match"}) == (error["code"], error["meta"])
    return {"message": error["message"], "tag": response.headers["etag"]}


@pytest.mark.parametrize("path", BODIES)
def test_who_saves_over_a_newer_version_is_refused(admin: httpx.Client, path: str) -> None:
    nothing = admin.get(path)
    assert '"0"' == nothing.headers["etag"] == admin.head(path).headers["etag"]
    first = put(admin, path, 0, nothing.headers["etag"])
    assert (200, '"1"') == (first.status_code, first.headers["etag"])
    assert '"1"' == admin.get(path).headers["etag"]
    told = refused(put(admin, path, 1, nothing.headers["etag"]))
    assert '"1"' == told["tag"]
    assert "is at version 1, saved by secret key on 20" in told["message"]
    assert first.json().items() >= BODIES[path][0].items()
    assert admin.get(path).json() | {"status": None} == first.json() | {"status": None}
    assert '"2"' == put(admin, path, 1, told["tag"]).headers["etag"]


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("tag", [None, "*", '"1"', 'W/"1"', '"7", "1"', '"7", *'])
def test_without_a_version_or_with_the_right_one_it_is_saved(
    admin: httpx.Client, path: str, tag: str | None
) -> None:
    put(admin, path, 0)
    assert (200, '"2"') == ((saved := put(admin, path, 1, tag)).status_code, saved.headers["etag"])


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("tag", ["", '"0"', '"2"', "1", '"x"', '"-1"', "-1", 'W/"0"'])
def test_with_another_tag_nothing_is_saved(admin: httpx.Client, path: str, tag: str) -> None:
    put(admin, path, 0)
    refused(put(admin, path, 1, tag))
    assert 1 == len(admin.get(f"{path}/history").json()["data"])


@pytest.mark.parametrize("path", BODIES)
def test_what_is_in_force_already_is_no_conflict(admin: httpx.Client, path: str) -> None:
    put(admin, path, 0, '"0"')
    again = put(admin, path, 0, '"0"')
    assert (200, '"1"') == (again.status_code, again.headers["etag"])


@pytest.mark.parametrize("path", BODIES)
def test_of_changes_at_once_over_the_same_version_one_is_saved(hosts: Hosts, path: str) -> None:
    host = hosts()
    clients = [host.admin("race") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(lambda each: put(each[1], path, each[0], '"0"'), enumerate(clients))
        )
    assert [200, 412, 412, 412] == sorted(each.status_code for each in answers)
    assert 1 == len(host.admin("race").get(f"{path}/history").json()["data"])


@pytest.mark.parametrize("path", BODIES)
def test_a_version_is_restored_unless_a_newer_one_was_saved(admin: httpx.Client, path: str) -> None:
    for number in range(3):
        put(admin, path, number)
    body = {"version": 1}
    refused(admin.post(f"{path}/restore", json=body, headers={"If-Match": '"2"'}))
    restored = admin.post(f"{path}/restore", json=body, headers={"If-Match": '"3"'})
    assert (200, '"4"') == (restored.status_code, restored.headers["etag"])
    assert restored.json().items() >= BODIES[path][0].items()
    unknown = admin.post(f"{path}/restore", json={"version": 9})
    assert (404, "version") == (
        unknown.status_code,
        unknown.json()["errors"][0]["meta"]["param"],
    )
    assert [4, 3, 2, 1] == [each["version"] for each in history(admin, path)]


def history(admin: httpx.Client, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = admin.get(f"{path}/history").json()["data"]
    return found


def test_every_version_of_role_rules_is_kept_with_who_when_and_the_difference(
    admin: httpx.Client,
) -> None:
    a, b = {"group": "A", "role": "x"}, {"group": "B", "role": "y"}
    saved: list[dict[str, Any]] = [
        {"rules": [a], "default": "z"},
        {"rules": [a, b], "default": "z"},
        {"rules": [b, a], "default": "z"},
        {"rules": [b, a]},
        {"rules": []},
    ]
    for rules in saved:
        assert 200 == admin.put(ROLES, json=rules).status_code
    newest, *others = history(admin, ROLES)
    assert {"A": ["x", None], "B": ["y", None]} == newest["difference"]
    assert ("secret key", {}) == (newest["saved_by"], newest["rules"])
    assert [
        ({"default role": ["z", None]}, False),
        ({}, True),
        ({"B": [None, "y"]}, False),
        ({"A": [None, "x"], "default role": [None, "z"]}, False),
    ] == [(each["difference"], each["is_reordered"]) for each in others]
    assert {"rules": [b, a], "default": "z"} == others[1]["rules"]
    assert 1 == len(admin.get(f"{ROLES}/history?limit=1").json()["data"])


def test_the_audit_says_what_the_difference_was(admin: httpx.Client) -> None:
    put(admin, MAPPING, 0)
    put(admin, MAPPING, 1)
    rules = [{"group": "B", "role": "x"}, {"group": "A", "role": "y"}]
    admin.put(ROLES, json={"rules": rules})
    admin.put(ROLES, json={"rules": rules[::-1]})
    admin.post(f"{ROLES}/restore", json={"version": 1})
    rows = admin.get("/log?limit=10").json()["data"]
    assert [
        ("role rules, version 3: in another order", {}),
        ("role rules, version 2: in another order", {}),
        ("role rules, version 1: 2 changes", {"B": [None, "x"], "A": [None, "y"]}),
        (
            "attribute mapping, version 2: 1 change",
            {"title": ["public_metadata.t0", "public_metadata.t1"]},
        ),
        ("attribute mapping, version 1: 1 change", {"title": [None, "public_metadata.t0"]}),
    ] == [(each["detail"], each["changes"]) for each in rows]
    assert {("secret key", "api")} == {(each["actor"], each["surface"]) for each in rows}


def test_a_group_may_be_called_like_the_default_role(admin: httpx.Client) -> None:
    rules = {"rules": [{"group": "default role", "role": "x"}], "default": "y"}
    admin.put(ROLES, json=rules)
    assert {'"default role"': [None, "x"], "default role": [None, "y"]} == (
        history(admin, ROLES)[0]["difference"]
    )


def test_in_python_too_nobody_saves_over_what_they_have_not_seen(hosts: Hosts) -> None:
    host = hosts()
    one, two = (RoleRules((RoleRule("A", role),)) for role in "xy")
    assert host.ask(lambda app: app.roles.current("acme")) is None
    assert 1 == host.ask(lambda app: app.roles.set("acme", one, by="ada", if_version=0))
    with pytest.raises(VersionConflict, match="version 1, saved by ada") as conflict:
        host.ask(lambda app: app.roles.set("acme", two, if_version=0))
    assert 1 == conflict.value.version
    with pytest.raises(VersionConflict):
        host.ask(lambda app: app.mappings.set("acme", {"title": "last_name"}, if_version=1))
    assert 2 == host.ask(lambda app: app.roles.set("acme", two, if_version=1))
    with pytest.raises(VersionConflict):
        host.ask(lambda app: app.roles.restore("acme", 1, if_version=1))
    assert 3 == host.ask(lambda app: app.roles.restore("acme", 1, if_version=2))
    current = host.ask(lambda app: app.roles.current("acme"))
    assert current is not None
    assert (3, one) == (current.version, current.rules)
    assert one == host.ask(lambda app: app.roles.saved("acme", 1))
