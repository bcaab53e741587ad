"""What nobody may read afterwards: tokens, passwords, and what belongs to others, in logs, files, answers."""

from __future__ import annotations

import itertools
import json
import logging
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import scim_asgi
from scim_asgi import (
    Account,
    AccountRejected,
    HookContext,
    RoleRule,
    RoleRules,
    ScimApp,
    TryAgainLater,
)
from scim_asgi.provisioning import privacy
from scim_asgi.provisioning.tokens import mint
from tests.client import ENTERPRISE, GROUP, PATCH_OP, SEARCH, USER, Client
from tests.conformance.test_fuzz import BODIES, changed
from tests.conftest import Scim, Served
from tests.hostile.attempts import BULK
from tests.product import raising
from tests.waiting import until

PASSWORD = "hunter2-9f3c1d"
OTHER = "victim-51e7a0"
PERSON = "Lovelace-77b2"
FAILURES = itertools.count()
FOLDER = Path(scim_asgi.__file__).parent


@pytest.fixture(autouse=True)
def loggers() -> Iterator[None]:
    """Take back what a ScimApp has done to the loggers of this process."""
    yield
    for name in list(logging.root.manager.loggerDict):
        logging.getLogger(name).removeFilter(privacy._FILTER)


class Everything(logging.Handler):
    """Keeps everything that anybody logs, as it would be written."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record with its traceback."""
        self.lines.append(logging.Formatter("%(name)s %(message)s").format(record))


@contextmanager
def logged() -> Iterator[list[str]]:
    """Yield everything that is logged while the context lasts, whatever its level."""
    handler, root = Everything(), logging.getLogger()
    ours = [logging.getLogger(name) for name in ("scim_asgi", "uvicorn", "aiosqlite", "asyncio")]
    levels = [(each, each.level) for each in (root, *ours)]
    for each in ours:
        each.setLevel(logging.DEBUG)
    logging.getLogger("uvicorn").addHandler(handler)
    root.addHandler(handler)
    try:
        yield handler.lines
    finally:
        root.removeHandler(handler)
        logging.getLogger("uvicorn").removeHandler(handler)
        for each, level in levels:
            each.setLevel(level)


class Traffic:
    """Requests with secrets in every place, whose answers are kept."""

    def __init__(self, scim: Scim) -> None:
        self.scim = scim
        self.client = scim.client("acme")
        self.answers: list[str] = []

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send a request and keep its answer."""
        answer = self.client.send(method, path, body, headers=headers)
        self.answers.append(f"{answer.status_code} {answer.headers} {answer.text}")
        return answer

    def patch(self, path: str, *operations: dict[str, Any]) -> None:
        """Send a PATCH."""
        self.send("PATCH", path, {"schemas": [PATCH_OP], "Operations": list(operations)})

    def passwords(self, name: str = "ada") -> None:
        """Send a password in every way that there is."""
        user = {"schemas": [USER], "userName": f"{name}@acme.test"}
        made = self.send("POST", "/Users", {**user, "password": PASSWORD})
        path = f"/Users/{made.json()['id']}" if made.status_code == 201 else "/Users/none"
        self.send("PUT", path, {**user, "PassWord": PASSWORD, "title": "a"})
        for value in (PASSWORD, [PASSWORD], {"value": PASSWORD}):
            self.patch(path, {"op": "replace", "path": "password", "value": value})
            self.patch(path, {"op": "add", "value": {"password": value, "title": "b"}})
        self.patch(path, {"op": "replace", "path": "nope", "value": PASSWORD})
        self.patch(path, {"op": "replace", "path": "active", "value": PASSWORD})
        self.patch(path, {"op": "replace", "path": f"{USER}:password", "value": PASSWORD})
        data = {**user, "userName": f"{name}-bulk@acme.test", "password": PASSWORD}
        operation = {"method": "POST", "path": "/Users", "bulkId": "b", "data": data}
        self.send("POST", "/Bulk", {"schemas": [BULK], "Operations": [operation]})
        self.send("GET", f'/Users?filter=password eq "{PASSWORD}"')
        self.send("GET", "/Users?sortBy=password&attributes=password")
        body = {"schemas": [SEARCH], "filter": f'password sw "{PASSWORD}"'}
        self.send("POST", "/Users/.search", body)
        raw = json.dumps({**user, "password": PASSWORD}).encode()
        self.send("POST", "/Users", raw[:-1])
        self.send("POST", "/Users", raw + b"x")

    def tokens(self, token: str) -> None:
        """Send a token in every place where it does not belong."""
        self.send("GET", f"/Users/{token}")
        self.send("PATCH", f"/Users/{token}", {"schemas": []})
        self.send("DELETE", f"/{token}")
        self.send("GET", f"/Users?access_token={token}")
        self.send("GET", f"/Users?filter={token} eq {token}")
        self.send("GET", "/Users", **{"X-Request-Id": token})
        self.send("DELETE", "/Users/none", **{"X-Request-Id": token, "User-Agent": token})
        self.patch("/Users/none", {"op": "add", "path": f"{token}[", "value": token})
        self.send("POST", f"/{token}", {"a": token})
        operation = {"method": "DELETE", "path": f"/Users/{token}"}
        self.send("POST", "/Bulk", {"schemas": [BULK], "Operations": [operation]})
        for value in (token, f"bearer{token}", f"Bearer {token} {token}", f"Basic {token}"):
            self.send("GET", "/Users", Authorization=value)


def contents(scim: Scim) -> bytes:
    """Return the database file, its write-ahead log and all that is beside them."""
    return b"".join(each.read_bytes() for each in scim.database.parent.iterdir())


async def refusing(account: Account, context: HookContext) -> None:
    """Fail as hooks do that say too much."""
    kinds: list[Exception] = [
        AccountRejected(f"the password {context.password} is too weak"),
        ValueError(f"cannot store {context.password}"),
        TryAgainLater(1, f"busy with {context.password}"),
    ]
    if context.password:
        raise kinds[next(FAILURES) % 3]


@pytest.mark.parametrize("behaviour", [None, refusing])
def test_no_password_is_in_any_log_file_or_answer(serve: Served, behaviour: Any) -> None:
    with logged() as lines:
        scim = serve()
        scim.product.behaviour = behaviour
        traffic = Traffic(scim)
        for number in range(4):
            traffic.passwords(f"ada{'x' * number}")
        heard = [context.password for _, context in scim.product.calls]
        rows = scim.log("acme")
        assert PASSWORD.encode() not in contents(scim)
    assert PASSWORD in heard
    assert len(rows) > 10
    assert [] == [each for each in (*lines, *map(str, rows)) if PASSWORD in each]
    assert [] == [each for each in traffic.answers if PASSWORD in each]


@pytest.mark.parametrize("personal", [True, False])
def test_no_token_is_in_any_log_file_or_answer(serve: Served, personal: bool) -> None:
    with logged() as lines:
        scim = serve(log_personal_data=personal)
        traffic = Traffic(scim)
        issued = scim.ask(lambda app: app.tokens.issue("acme", name="old"))
        scim.ask(lambda app: app.tokens.revoke(issued.id))
        tokens = [traffic.client.token, issued.token, mint()]
        for token in tokens:
            traffic.tokens(token)
        rows = scim.log("acme")
        kept = contents(scim)
    assert len(rows) > 10
    for token in tokens:
        for piece in (token, token[5:30], token[-30:]):
            assert piece.encode() not in kept
            assert [] == [each for each in (*lines, *map(str, rows)) if piece in each]
            assert [] == [each for each in traffic.answers if piece in each]


def test_nothing_of_another_organization_is_in_an_answer_or_a_row(serve: Served) -> None:
    """Random and hostile requests, beside an organization whose every value is marked."""
    scim = serve()
    victim = scim.client("victim")
    marked = {"name": {"givenName": OTHER, "familyName": OTHER}, "externalId": OTHER}
    user = victim.create_user(f"{OTHER}@acme.test", title=OTHER, nickName=OTHER, **marked)
    group = victim.create_group(f"{OTHER} group", user["id"])
    seed = random.randrange(2**32)
    generator = random.Random(seed)
    traffic = Traffic(scim)
    own = traffic.client.create_user("own@acme.test")["id"]
    with logged() as lines:
        for _ in range(400):
            body = changed(generator, generator.choice(BODIES))
            endpoint = generator.choice(["/Users", "/Groups", "", "/Bulk", "/Users/.search"])
            tail = generator.choice(["", "", f"/{user['id']}", f"/{group['id']}", f"/{own}"])
            query = generator.choice(["", "?filter=title pr", "?sortBy=title", "?attributes=title"])
            method = generator.choice(["GET", "POST", "PUT", "PATCH", "DELETE"])
            sent = None if method in ("GET", "DELETE") else json.dumps(body).encode()
            traffic.send(method, f"{endpoint}{tail}{query}", sent)
    rows = [str(row) for row in scim.log("acme")]
    for each in (*lines, *rows, *traffic.answers):
        assert OTHER not in each, f"seed {seed}"
    assert victim.get(f"/Users/{user['id']}").json()["title"] == OTHER


async def telling(account: Account, context: HookContext) -> None:
    """Fail with a message that names the person."""
    raise ValueError(f"no place for {account.last_name}") from KeyError(account.last_name)


def people(client: Client, product: Any) -> list[Any]:
    """Send what names a person in every place that is logged; return the answers."""
    named = {"name": {"familyName": PERSON, "givenName": "Ada"}, "title": PERSON}
    user = client.create_user(f"{PERSON}@acme.test", **named)
    path = f"/Users/{user['id']}"
    answers = [
        client.send("PUT", path, {"schemas": [USER], "userName": f"{PERSON}@b.test", **named}),
        client.patch(path, {"op": "replace", "path": "active", "value": PERSON}),
        client.patch(path, {"op": "add", "path": f'emails[x eq "{PERSON}"].y', "value": 1}),
        client.patch(path, {"op": "add", "path": f"{PERSON}.x", "value": PERSON}),
        client.patch(path, {"op": "add", "path": f"urn:{PERSON}:y", "value": PERSON}),
        client.post("/Users", {"schemas": [USER], "userName": f"{PERSON}@b.test"}),
        client.post("/Users", {"schemas": [USER], "userName": PERSON}),
        client.get(f'/Users?filter=active eq "{PERSON}"'),
        client.get(f"/Users?filter=userName {PERSON}"),
        client.post("/Users/.search", {"schemas": [SEARCH], "sortBy": PERSON}),
        client.send("DELETE", f"/Users/{PERSON}@b.test"),
        client.send("DELETE", f"/{PERSON}"),
        client.post("/Groups", {"schemas": [GROUP], "displayName": f"{PERSON}s", "members": []}),
        client.post(
            "/Groups",
            {"schemas": [GROUP], "displayName": "x", "members": [{"value": f"{PERSON}@b.test"}]},
        ),
        client.post("/Users", {"schemas": [PERSON], "userName": PERSON}),
        client.post("/Users", {"schemas": [USER], "userName": PERSON, "UserName": f"{PERSON}2"}),
    ]
    operations = [
        {"method": "DELETE", "path": f"/Users/{PERSON}"},
        {"method": "DELETE", "path": f"/Users/bulkId:{PERSON}"},
        {"method": "POST", "path": "/Users", "bulkId": PERSON, "data": {"userName": PERSON}},
        {"method": "PATCH", "path": path, "data": {"value": PERSON}},
    ]
    answers.append(client.post("/Bulk", {"schemas": [BULK], "Operations": operations}))
    product.behaviour = raising(AccountRejected(f"{PERSON} is not welcome"))
    manager = {ENTERPRISE: {"manager": {"value": PERSON}, "department": PERSON}}
    body = {"schemas": [USER], "userName": f"{PERSON}@c.test", **named, **manager}
    answers.append(client.send("PUT", path, body))
    product.behaviour = telling
    answers.append(client.send("PUT", path, {**body, "userName": f"{PERSON}@d.test"}))
    return answers


def test_with_personal_data_switched_off_the_log_has_ids_attributes_and_outcomes_alone(
    serve: Served,
) -> None:
    scim = serve(log_personal_data=False)
    client = scim.client()
    with logged() as lines:
        answers = people(client, scim.product)
    assert any(PERSON in answer.text for answer in answers)
    with scim.file() as file:
        rows = file.execute("SELECT * FROM provisioning_log").fetchall()
    assert len(rows) > 15
    assert [] == [row for row in rows if PERSON.casefold() in str(row).casefold()]
    ours = [line for line in lines if line.startswith("scim_asgi")]
    assert [] == [line for line in ours if PERSON.casefold() in line.casefold()]
    assert any("telling" in line and "ValueError" in line for line in ours)
    text = str(rows)
    ids = {each["id"] for each in client.get("/Users").json()["Resources"]}
    assert ids
    assert all(each in text for each in ids)
    for named in ("active", "userName", "/Users/***", "email_address", "invalidValue"):
        assert named in text, named


def test_with_personal_data_the_log_says_what_changed(serve: Served) -> None:
    scim = serve()
    people(scim.client(), scim.product)
    rows = str(scim.log())
    assert PERSON in rows


def test_a_row_of_the_log_is_bounded(serve: Served) -> None:
    scim = serve()
    client = scim.client()
    long = "x" * 200_000
    user = client.create_user("ada@acme.test", name={"familyName": long})
    path = f"/Users/{user['id']}"
    client.patch(path, {"op": "add", "path": f"{long}[", "value": "x"})
    client.send("DELETE", "/Users/none", headers={"X-Request-Id": "y" * 5000})
    for row in scim.log():
        assert len(str(row)) < 5000
    answer = client.patch(path, {"op": "add", "path": f"{long}[", "value": "x"})
    assert len(answer.text) < 3000


def test_a_warning_of_the_background_withholds_values_too(serve: Served) -> None:
    scim = serve(log_personal_data=False, roles={"org:admin"})
    client = scim.client()
    ada = client.create_user("ada@acme.test")
    scim.set_mapping({"groups[0].displayName": "organization_role"})
    client.create_group(PERSON, ada["id"])
    until(lambda: any(row.action == "warning" for row in scim.log()))
    warning = next(row for row in scim.log() if row.action == "warning")
    assert PERSON not in str(warning)
    assert ada["id"] == warning.resource_id


async def test_the_audit_of_role_rules_withholds_names_of_groups_too() -> None:
    rules = RoleRules((RoleRule(PERSON, "org:admin"),), default=PERSON)
    app: ScimApp = ScimApp(":memory:", log_personal_data=False)
    async with app.lifespan():
        await app.roles.set("acme", rules)
        (row,) = (await app.log.page("acme")).data
    assert PERSON not in str(row)
    assert ("role rules, version 1: 2 changes", {"***"}) == (row.detail, set(row.changes))


def test_every_row_of_the_log_goes_through_the_policy() -> None:
    """Where a row is written, its policy is applied: nothing writes past the table."""
    writers = [
        path
        for path in FOLDER.rglob("*.py")
        if "provisioning_log" in path.read_text() and path.name != "log.py"
    ]
    assert [] == writers


def test_every_logger_of_ours_is_one_that_can_be_told_to_withhold() -> None:
    code = (
        "import logging, scim_asgi; scim_asgi.ScimApp(':memory:', log_personal_data=False); "
        "print([name for name in logging.root.manager.loggerDict if name.startswith('scim_asgi')"
        " and not logging.getLogger(name).filters])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]\n" == done.stdout
    for path in FOLDER.rglob("*.py"):
        if "getLogger(" in path.read_text() and path.name != "privacy.py":
            assert 'getLogger("scim_asgi' in path.read_text(), path


def test_a_repr_of_the_app_shows_nothing(tmp_path: Path) -> None:
    app = ScimApp(str(tmp_path / "scim.db"))
    assert repr(app).startswith("<scim_asgi.app.ScimApp object at")
