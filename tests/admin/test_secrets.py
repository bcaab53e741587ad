"""Nothing shows a token after its issue: not an answer, not a log, not a file, not an error."""

from __future__ import annotations

import json
import logging
from typing import NoReturn

import httpx
import pytest
from starlette.requests import Request

from scim_asgi.admin.table import ROUTES
from scim_asgi.store.records import LogRecord
from tests.admin.conftest import KEY, Host, Hosts
from tests.commands import attempt_here, command_here
from tests.hostile.test_secrets import logged
from tests.product import raising


def test_a_token_is_shown_by_its_issue_alone(host: Host) -> None:
    with logged() as lines:
        admin = host.admin()
        first = admin.post("/tokens", json={"name": "kept"}).json()["token"]
        second = admin.post("/tokens", json={"name": "revoked"}).json()
        tokens = (first, second["token"])
        directory = host.directory(first)
        directory.create_user("ada@acme.test")
        # A token that somebody pastes into the wrong field.
        bob = directory.create_user("bob@acme.test", title=first, displayName=first)
        assert first == directory.get(f"/Users/{bob['id']}").json()["title"]
        directory.create_group(first, bob["id"])
        directory.patch(
            f"/Users/{bob['id']}",
            {"op": "replace", "path": "name", "value": {"familyName": second["token"]}},
        )
        directory.post("/Users", {"schemas": [first], "userName": first})
        directory.get(f"/Users/{first}")
        admin.post(f"/tokens/{second['id']}/revoke")
        admin.post("/tokens", json={"name": "x", first: 1})
        said = [_everything(host, admin, token) for token in tokens]
    folder = host.database.parent
    outputs = [
        command_here(folder, *arguments, "--database", str(host.database)).stdout
        for arguments in (
            ("token", "list", "acme"),
            ("token", "list", "acme", "--json"),
            ("log", "acme"),
            ("log", "acme", "--json"),
            ("log", "acme", "--csv"),
            ("status", "acme", "--json"),
            ("users", "list", "acme"),
            ("users", "show", "acme", bob["id"]),
            ("users", "show", "acme", bob["id"], "--json"),
            ("groups", "list", "acme"),
            ("groups", "list", "acme", "--json"),
            ("mapping", "preview", "acme", "--user", bob["id"]),
        )
    ]
    secret = [token[len("scim_") : len("scim_") + 30] for token in tokens]
    for text in (*lines, *said, *outputs):
        assert KEY not in text
        for token in secret:
            assert token not in text, text[:2000]


def _everything(host: Host, admin: httpx.Client, token: str) -> str:
    """Return whatever the API says, of right and wrong requests with the token in them."""
    texts = []
    users = [each["id"] for each in admin.get("/users").json()["data"]]
    assert users
    texts += [admin.get(f"/users/{each}").text for each in users]
    wanted = [{"user_id": each} for each in users] + [{"resource": {"userName": token}}]
    override = {"title": "public_metadata.title"}
    texts += [
        admin.post("/attribute-mappings/preview", json={**each, "mapping": override}).text
        for each in wanted
    ]
    for key, value in ((token, "public_metadata.x"), (f"x.{token}", token), ("title", token)):
        refused = admin.put("/attribute-mappings", json={"mapping": {key: value}})
        assert 422 == refused.status_code
        texts.append(refused.text)
    for route in ROUTES:
        if route.name == "issue_token":
            continue
        path = route.path.replace("/organizations/{organization_id}/scim", "")
        path = path.replace("{token_id}", token)
        for body in (None, b"{}", json.dumps({"mapping": {"x": token}}).encode()):
            headers = {"Content-Type": "application/json"}
            response = admin.request(route.method, path, content=body, headers=headers)
            assert response.status_code < 500
            texts.append(str(response.headers) + response.text)
    texts += [admin.get("/log", params={"format": name}).text for name in ("csv", "jsonl")]
    return "".join(texts)


def test_the_error_of_a_wrong_key_says_nothing_of_it(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        response = host.admin(key="wrong-key-5f1c").get("/status")
    assert 401 == response.status_code
    assert "wrong-key-5f1c" not in response.text + caplog.text
    assert KEY not in response.text + caplog.text


def test_no_command_shows_a_token_that_stands_in_a_wrong_place(host: Host) -> None:
    admin = host.admin()
    token = admin.post("/tokens", json={"name": "kept"}).json()["token"]
    directory = host.directory(token)
    user = directory.create_user("ada@acme.test", title=token)["id"]
    host.product.behaviour = raising(RuntimeError("down"))
    change = {"op": "replace", "path": "userName", "value": f"{token}@acme.test"}
    assert 500 == directory.patch(f"/Users/{user}", change).status_code
    # Where uvicorn reads requests by h11, a method may be any word.
    row = LogRecord(organization_id="acme", at=1, action="refused", status=405, method=token)
    host.ask(lambda app: app._runtime.store.write(lambda tx: tx.log.insert(row)))
    rules = {"rules": [{"group": token, "role": "org:admin"}]}
    assert 200 == admin.put("/role-rules", json=rules).status_code
    folder = host.database.parent
    (folder / "good.json").write_text('{"title": "public_metadata.title"}')
    (folder / "bad.json").write_text(json.dumps({"title": token}))
    done = [
        attempt_here(folder, *arguments, "--database", str(host.database))
        for arguments in (
            ("status", "acme"),
            ("roles", "show", "acme"),
            ("mapping", "set", "acme", "good.json", "--dry-run"),
            ("mapping", "set", "acme", "bad.json"),
            ("token", "revoke", token),
            ("log", "acme", "--csv"),
        )
    ]
    assert [0, 0, 0, 1, 1, 0] == [each.returncode for each in done]
    for each in done:
        assert "scim_…" in each.stdout + each.stderr
        assert token not in each.stdout + each.stderr, each.args


def test_a_path_in_the_servers_log_is_one_short_line_without_a_token(
    hosts: Hosts, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(request: Request, organization_id: str) -> NoReturn:
        msg = "no session"
        raise RuntimeError(msg)

    host = hosts(broken)
    token = host.ask(lambda app: app.tokens.issue("acme", name="tests")).token
    for name in ("scim.db", "scim.db-wal", "scim.db-shm"):
        (host.database.parent / name).unlink()
    forged = f"%0dERROR%1b[2J{token}{'x' * 5000}"
    assert 503 == host.directory(token).get(f"/Users/{forged}").status_code
    assert 500 == host.admin().get(f"/users/{forged}").status_code
    lines = [each.getMessage() for each in caplog.records if "failed" in each.getMessage()]
    assert 2 == len(lines)
    for line in lines:
        assert line.isprintable()
        assert "\ufffdERROR\ufffd[2J" in line
        assert token not in line
        assert len(line) < 1500


def test_what_nobody_knows_in_a_body_is_listed_in_part(host: Host) -> None:
    body = {f"field-{number}": number for number in range(5_000)}
    answer = host.admin().post("/tokens", json=body)
    assert 422 == answer.status_code
    codes = [error["code"] for error in answer.json()["errors"]]
    assert ["param_unknown"] * 20 + ["param_missing"] == codes


def test_no_answer_repeats_a_long_text_that_was_sent(host: Host) -> None:
    admin, long = host.admin(), "x" * 9_000
    queries = ({"action": long}, {"format": long}, {long: "1"})
    answers = [admin.get("/log", params=query) for query in queries]
    answers.append(admin.put("/role-rules", json={"default": long}))
    answers.append(admin.put("/attribute-mappings", json={"mapping": {long: long}}))
    for answer in answers:
        assert 422 == answer.status_code
        assert len(answer.text) < 1_000
