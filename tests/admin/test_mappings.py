"""Attribute mappings and role rules over the admin API."""

from __future__ import annotations

from typing import Any

from tests.admin.conftest import Host, Hosts
from tests.waiting import until

TITLE = {"title": "public_metadata.title"}


def params(response: Any) -> set[str]:
    """Return what a 422 names."""
    assert 422 == response.status_code, response.text
    return {error["meta"]["param"] for error in response.json()["errors"]}


def test_a_mapping_is_replaced_previewed_looked_back_at_and_restored(host: Host) -> None:
    client, admin = host.connected(), host.admin()
    user = client.create_user("ada@acme.test", title="Countess")["id"]
    before = admin.get("/attribute-mappings").json()
    assert ({}, "email_address", None) == (
        before["mapping"],
        before["defaults"]["userName"],
        before["status"],
    )
    tried = {"user_id": user, "mapping": TITLE}
    preview = admin.post("/attribute-mappings/preview", json=tried).json()
    assert {"title": "Countess"} == preview["account"]["public_metadata"]
    assert {} == admin.get("/attribute-mappings").json()["mapping"]
    saved = admin.put("/attribute-mappings", json={"mapping": TITLE})
    assert (200, TITLE) == (saved.status_code, saved.json()["mapping"])
    until(lambda: admin.get("/attribute-mappings").json()["status"]["finished_at"] is not None)
    detail = admin.get(f"/users/{user}").json()
    until(lambda: admin.get(f"/users/{user}").json()["change"] is None)
    assert {"title": "Countess"} == detail["account"]["fields"]["public_metadata"]
    assert {} == admin.put("/attribute-mappings", json={"mapping": {}}).json()["mapping"]
    history = admin.get("/attribute-mappings/history").json()["data"]
    assert [(2, {}), (1, TITLE)] == [(each["version"], each["override"]) for each in history]
    assert "secret key" == history[0]["saved_by"]
    restored = admin.post("/attribute-mappings/restore", json={"version": 1})
    assert TITLE == restored.json()["mapping"]
    assert 404 == admin.post("/attribute-mappings/restore", json={"version": 99}).status_code


def test_every_key_that_is_wrong_is_named(host: Host) -> None:
    wrong = {"nope": "first_name", "title": "{{ value | shout }}.last_name", "userName": "nope"}
    response = host.admin().put("/attribute-mappings", json={"mapping": wrong})
    assert {"mapping.nope", "mapping.title", "mapping.userName"} == params(response)
    assert {} == host.admin().get("/attribute-mappings").json()["mapping"]
    assert {"mapping"} == params(host.admin().put("/attribute-mappings", json={}))
    assert {"mapping.title", "x"} >= params(
        host.admin().put("/attribute-mappings", json={"mapping": {"title": 1}, "x": 1})
    ) - {"mapping[...]"}


def test_a_preview_names_what_is_wrong(host: Host) -> None:
    admin = host.admin()
    path = "/attribute-mappings/preview"
    assert {"user_id"} == params(admin.post(path, json={}))
    assert {"user_id"} == params(admin.post(path, json={"user_id": "x", "resource": {}}))
    assert 404 == admin.post(path, json={"user_id": "none"}).status_code
    assert {"resource"} == params(admin.post(path, json={"resource": {"userName": 1, "emails": 5}}))
    problem = admin.post(path, json={"resource": {"userName": "nobody"}}).json()
    assert (None, True) == (problem["account"], bool(problem["problem"]))


def test_role_rules_are_replaced(hosts: Hosts) -> None:
    host = hosts(roles={"org:admin", "org:member"})
    admin = host.admin()
    assert {"rules": [], "default": None} == admin.get("/role-rules").json()
    rules = {"rules": [{"group": "Admins", "role": "org:admin"}], "default": "org:member"}
    assert rules == admin.put("/role-rules", json=rules).json()
    assert rules == admin.get("/role-rules").json()
    client = host.connected()
    user = client.create_user("ada@acme.test")["id"]
    client.create_group("Admins", user)

    def role() -> Any:
        (found,) = admin.get("/users").json()["data"]
        return found["account"]["role"]

    until(lambda: role() == "org:admin")
    wrong = {"rules": [{"group": "Admins", "role": "org:emperor"}]}
    assert {"rules.Admins"} == params(admin.put("/role-rules", json=wrong))
    assert rules == admin.get("/role-rules").json()


def test_a_body_has_to_be_small_and_json(host: Host) -> None:
    admin = host.admin()
    assert 415 == admin.put("/role-rules", content=b"{}").status_code
    headers = {"Content-Type": "application/json; charset=utf-8"}
    assert 422 == admin.put("/role-rules", content=b"{", headers=headers).status_code
    assert 422 == admin.put("/role-rules", content=b"[]", headers=headers).status_code
    deep = b'{"mapping":' * 50_000 + b"}" * 50_000
    response = admin.put("/attribute-mappings", content=deep, headers=headers)
    assert 422 == response.status_code
    large = admin.put("/role-rules", content=b" " * (2**20 + 1), headers=headers)
    assert (413, "too_large") == (large.status_code, large.json()["errors"][0]["code"])
