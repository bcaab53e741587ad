"""Simulated directories find what is wrong with a server: a real one, with one fault in front."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from scim_asgi import ScimApp
from scim_asgi.simulate import SIMULATORS, Authentik, SailPoint
from tests.product import Product
from tests.simulate.broken import Broken, Call, Fault, TakesGroupsOfUsers

CORE_1 = "urn:scim:schemas:core:1.0"


def removes_all(call: Call) -> None:
    for each in call.operations:
        if each["op"] == "remove" and each["path"] == "members":
            each["value"] = None


def ignores_removals(call: Call) -> None:
    call.drop(lambda each: each["op"] == "remove")


def ignores_texts(call: Call) -> None:
    call.drop(lambda each: each.get("path") == "active" and isinstance(each["value"], str))


def applies_the_first_operation(call: Call) -> None:
    del call.operations[1:]


def applies_no_put(call: Call) -> None:
    if call.method == "PUT":
        call.method, call.body = "GET", {}


def deletes_nothing(call: Call) -> None:
    if call.method == "DELETE":
        call.method = "GET"


def ignores_external_ids(call: Call) -> None:
    if "externalId" in call.filter:
        del call.query["filter"]


def creates_active_users(call: Call) -> None:
    if call.method == "POST" and call.path == "/Users":
        call.body["active"] = True


def keeps_one_address(call: Call) -> None:
    if call.body.get("emails"):
        del call.body["emails"][1:]


def lists_less(call: Call) -> None:
    if call.answer.get("Resources") and not call.filter:
        call.answer["Resources"].pop()


def counts_too_many(call: Call) -> None:
    if "Resources" in call.answer and not call.filter:
        call.answer["totalResults"] += 1


def lists_nothing_modified(call: Call) -> None:
    if "lastModified" in call.filter:
        call.answer |= {"Resources": [], "totalResults": 0}


def without(path: str, *names: str) -> Fault:
    """Leave attributes out of what is answered below a path."""

    def garble(call: Call) -> None:
        if call.path.startswith(path):
            for each, name in ((each, name) for each in call.shown for name in names):
                each.pop(name, None)

    return Fault(garbles=garble)


def without_max_operations(call: Call) -> None:
    if call.path == "/ServiceProviderConfig":
        del call.answer["bulk"]["maxOperations"]


def without_primary(call: Call) -> None:
    for each in call.answer.get("emails", []):
        each.pop("primary", None)


def primaries(call: Call) -> int:
    emails = call.body.get("emails")
    return sum(each.get("primary", False) for each in emails) if isinstance(emails, list) else 0


def adds_again() -> Fault:
    """Refuse to add who was added before."""
    seen: set[tuple[str, str]] = set()

    def refuses(call: Call) -> bool:
        values = [each["value"] for each in call.operations if each["op"] == "add"]
        pairs = {(call.path, member["value"]) for value in values for member in value}
        again = bool(seen & pairs)
        seen.update(pairs)
        return again

    return Fault(refuses, 409)


REFUSES_UNQUOTED = Fault(lambda call: " eq " in call.filter and '"' not in call.filter)
WANTS_COUNT = Fault(lambda call: "startIndex" in call.query and "count" not in call.query)
FAULTS: list[tuple[str, str, Fault, str]] = [
    (
        "google suspend-put",
        "takes only application/scim+json",
        Fault(lambda call: call.headers.get("content-type") == "application/json", 415),
        "POST /Users: 415",
    ),
    (
        "google suspend-put",
        "refuses schemas of 1.0",
        Fault(lambda call: CORE_1 in call.body.get("schemas", ())),
        "POST /Users: 400",
    ),
    ("google suspend-patch", "wants a count with startIndex", WANTS_COUNT, "startIndex=1: 400"),
    ("google suspend-put", "answers no userName", without("/Users", "userName"), "no userName at"),
    ("google suspend-put", "applies no PUT", Fault(spoils=applies_no_put), "active is True and"),
    ("google delete-patch", "deletes nothing", Fault(spoils=deletes_nothing), "is still there"),
    (
        "rippling patch-delete",
        "ignores filters by externalId",
        Fault(spoils=ignores_external_ids),
        "users are",
    ),
    ("rippling put-delete", "drops some of a page", Fault(garbles=lists_less), "lists"),
    (
        "rippling patch-deactivate",
        "applies the first operation of a PATCH",
        Fault(spoils=applies_the_first_operation),
        "and should be",
    ),
    (
        "onelogin put-suspend",
        "refuses clients without a name",
        Fault(lambda call: not call.headers.get("user-agent"), 403),
        "the connection test failed",
    ),
    (
        "onelogin put-suspend",
        "refuses an object as emails",
        Fault(lambda call: isinstance(call.body.get("emails"), dict)),
        "POST /Users: 400",
    ),
    (
        "onelogin put-delete",
        "refuses unknown attributes",
        Fault(lambda call: "user_mobile" in call.body),
        "POST /Users: 400",
    ),
    ("onelogin patch-delete", "answers no names", without("/Users", "name"), "lacks name.given"),
    (
        "onelogin patch-suspend",
        "removes no members",
        Fault(spoils=ignores_removals),
        "who should not be in it",
    ),
    (
        "jumpcloud patch",
        "removes all members for a list of some",
        Fault(spoils=removes_all),
        "lacks the member",
    ),
    ("jumpcloud put", "refuses to add a member again", adds_again(), "409 broken on purpose"),
    (
        "jumpcloud patch",
        "deletes nothing",
        Fault(spoils=deletes_nothing),
        "the connection test failed, so nothing was pushed: /Groups/",
    ),
    ("ping patch-disable", "refuses unquoted filters", REFUSES_UNQUOTED, "userName%20eq%20"),
    ("ping by-email", "refuses unquoted filters", REFUSES_UNQUOTED, "emails%20eq%20"),
    (
        "ping pingone",
        "knows userName in one case only",
        Fault(lambda call: "username" in call.filter),
        "username%20Eq",
    ),
    (
        "ping put-delete",
        "refuses two primary addresses",
        Fault(lambda call: primaries(call) > 1),
        "POST /Users: 400",
    ),
    (
        "ping put-disable",
        "creates everybody active",
        Fault(spoils=creates_active_users),
        "active is True and should be False",
    ),
    (
        "ping patch-delete",
        "answers addresses without primary",
        Fault(garbles=without_primary),
        "lack type or primary",
    ),
    (
        "ping patch-delete",
        "keeps one address",
        Fault(spoils=keeps_one_address),
        "home.ada.lovelace",
    ),
    (
        "authentik newer",
        "does not say how much a bulk request may hold",
        Fault(garbles=without_max_operations),
        "bulk.maxOperations is missing",
    ),
    (
        "authentik newer",
        "answers no members",
        without("/Groups/", "members"),
        "there is no members",
    ),
    ("authentik newer", "counts too many", Fault(garbles=counts_too_many), "says that there are"),
    (
        "authentik older",
        "refuses an id in a value without a path",
        Fault(lambda call: any("id" in each["value"] for each in call.operations)),
        "PATCH /Groups/",
    ),
    ("authentik older", "refuses unquoted filters", REFUSES_UNQUOTED, "userName%20eq%20"),
    (
        "authentik older",
        "removes all members for a list of some",
        Fault(spoils=removes_all),
        "lacks the member",
    ),
    ("authentik put", "applies no PUT", Fault(spoils=applies_no_put), "and should be"),
    (
        "keycloak patch",
        "ignores active as a text",
        Fault(spoils=ignores_texts),
        "active is True and should be False",
    ),
    (
        "keycloak patch",
        "removes no members for null",
        Fault(spoils=ignores_removals),
        "who should not be in it",
    ),
    ("keycloak put", "applies no PUT", Fault(spoils=applies_no_put), "and should be"),
    (
        "keycloak put",
        "answers no displayName",
        without("/Users", "displayName"),
        "there is no displayName",
    ),
    (
        "cyberark default",
        "wants a startIndex with count",
        Fault(lambda call: "count" in call.query and "startIndex" not in call.query),
        "GET /Users?count=1: 400",
    ),
    (
        "cyberark default",
        "has no single resource types",
        Fault(lambda call: call.path.startswith("/ResourceTypes/"), 404),
        "GET /ResourceTypes/User: 404",
    ),
    (
        "cyberark default",
        "has no single schemas",
        Fault(lambda call: call.path.startswith("/Schemas/"), 404),
        "GET /Schemas/urn:ietf:params:scim:schemas:core:2.0:User: 404",
    ),
    (
        "sailpoint patch",
        "has no schemas",
        Fault(lambda call: call.path == "/Schemas", 404),
        "GET /Schemas: 404",
    ),
    (
        "sailpoint put",
        "finds nobody by meta.lastModified",
        Fault(garbles=lists_nothing_modified),
        "by meta.lastModified does not list",
    ),
    (
        "sailpoint patch",
        "does not know how names begin",
        Fault(lambda call: " sw " in call.filter),
        "userName%20sw%20",
    ),
    (
        "sailpoint patch-via-users",
        "refuses the groups of users",
        Fault(lambda call: any(each.get("path") == "groups" for each in call.operations)),
        "PATCH /Users/",
    ),
]


@pytest.mark.parametrize(
    ("run", "fault", "words"),
    [pytest.param(run, *rest, id=f"{run}: {what}") for run, what, *rest in FAULTS],
)
async def test_a_fault_of_a_server_is_found(
    run: str, fault: Fault, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scim_asgi.simulate.simulator._REPEATS", 2)
    name, _, mode = run.partition(" ")
    app = ScimApp(str(tmp_path / "scim.db"), hooks=Product(), rate_limit=None, guard=None)
    async with app.lifespan():
        token = (await app.tokens.issue("acme", name="tests")).token
        found: list[str] = []
        for days, seed in ((1, 1), (4, 2)):
            if not any(words in each for each in found):
                broken = Broken(app, fault)
                report = await SIMULATORS[name](
                    app=broken, token=token, mode=mode, users=25, groups=4, cycles=days, seed=seed
                ).run()
                found += [*report.differences, *report.failures]
    assert any(words in each for each in found), found[:10]


@pytest.mark.parametrize("mode", ["patch-via-users", "put-via-users"])
async def test_groups_of_users_become_memberships_where_a_server_takes_them(
    mode: str, tmp_path: Path
) -> None:
    app = ScimApp(str(tmp_path / "scim.db"), hooks=Product(), rate_limit=None, guard=None)
    async with app.lifespan():
        token = (await app.tokens.issue("acme", name="tests")).token
        run = SailPoint(app=TakesGroupsOfUsers(app), token=token, mode=mode, users=20, groups=3)
        report = await run.run()
    assert [] == report.differences
    assert any(link.pushed for link in run.groups.values())


@pytest.mark.parametrize(("size", "most"), [(0, range(20, 31)), (1, [1]), (7, [7])])
async def test_authentik_puts_as_many_operations_into_a_patch_as_a_bulk_request_may_hold(
    size: int, most: Sequence[int], tmp_path: Path
) -> None:
    sizes: set[int] = set()

    def says_how_many(call: Call) -> None:
        sizes.add(len(call.operations))
        if call.path == "/ServiceProviderConfig":
            call.answer["bulk"]["maxOperations"] = size

    app = ScimApp(str(tmp_path / "scim.db"), hooks=Product(), rate_limit=None, guard=None)
    async with app.lifespan():
        token = (await app.tokens.issue("acme", name="tests")).token
        broken = Broken(app, Fault(garbles=says_how_many))
        report = await Authentik(app=broken, token=token, users=30, groups=3).run()
    assert [] == report.differences
    assert max(sizes) in most
