"""One organization never sees another: whatever it tries, the answer is that of what never existed."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from scim_asgi import Account, HookContext, ScimApp, read_resource_types
from scim_asgi.http.endpoints import ITEM
from scim_asgi.ids import uuid7
from scim_asgi.protocol.definitions import ResourceDefinition
from tests.client import PATCH_OP, SEARCH, Client, assert_error
from tests.conftest import Scim, Served
from tests.hostile.attempts import (
    BULK,
    ROOTS,
    SAME_FOR_ALL,
    Attempt,
    Resource,
    bulk_attempts,
    item_attempts,
    naming_bodies,
    query_attempts,
    sample,
)
from tests.waiting import PATIENCE

DEVICE = Path(__file__).parents[1] / "conformance" / "device.json"
TYPES = read_resource_types(DEVICE.read_bytes())
RUNTIME = ScimApp(":memory:", resource_types=TYPES)._runtime
ROUTES = RUNTIME.endpoints.routes
DEFINITIONS = RUNTIME.service._writes._registry.definitions
ITEMS = {f"{each.endpoint}/{ITEM}": each for each in DEFINITIONS}
COLLECTIONS = {each.endpoint: each for each in DEFINITIONS}
SEARCHES = {f"{each.endpoint}/.search": each for each in DEFINITIONS}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class World:
    """Two organizations: a victim that has one of everything, and an intruder that has nothing."""

    def __init__(self, scim: Scim) -> None:
        self.scim = scim
        self.victim, self.intruder = scim.client("victim"), scim.client("intruder")
        self.resources = {each.name: self._create(each) for each in DEFINITIONS}
        add = {"op": "add", "path": "members", "value": [{"value": self.resources["User"].id}]}
        self.victim.patch(f"/Groups/{self.resources['Group'].id}", add)
        self.before = self.state()

    def _create(self, definition: ResourceDefinition) -> Resource:
        answer = self.victim.post(definition.endpoint, sample(definition, "victim"))
        assert answer.status_code == 201, answer.text
        return Resource(definition, answer.json()["id"], "victim", answer.headers["etag"])

    def state(self) -> Any:
        """Return all that the victim has, and what its host was told."""
        told = [each for each in self.scim.product.calls if each[1].organization_id == "victim"]
        return self.victim.get("/?attributes=*").text, self.victim.get("/").text, len(told)

    def nobody(self, resource: Resource) -> Resource:
        """Return a resource of the same form that was never there."""
        return Resource(resource.definition, uuid7(), "nobody", 'W/"1"')

    def tried(self, attempt: Attempt, resource: Resource) -> tuple[int, dict[str, str], str]:
        """Return the answer to an attempt, with the id and the tag of its resource left out."""
        answer = self.intruder.send(
            attempt.method, attempt.path, attempt.body, headers=attempt.headers
        )
        headers = {name: each for name, each in answer.headers.items() if name != "date"}
        text = answer.text.replace(resource.id, "ID").replace(resource.tag, "TAG")
        return answer.status_code, headers, text

    def both(
        self, one: Attempt, other: Attempt, resource: Resource, nobody: Resource
    ) -> tuple[int, dict[str, str], str]:
        """Try something on the victim's resource and on nobody's, and compare byte for byte."""
        theirs, nobodys = self.tried(one, resource), self.tried(other, nobody)
        assert nobodys == theirs, str(one)
        return theirs


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with ExitStack() as stack:
        served = Served(stack, tmp_path_factory.mktemp("isolation"))
        made = World(served(resource_types=TYPES, guard=None))
        yield made
        assert made.before == made.state(), "the victim's data changed"


def test_every_route_is_one_that_is_tried() -> None:
    tried = {*ITEMS, *COLLECTIONS, *SEARCHES, *ROOTS, *SAME_FOR_ALL, "/Bulk"}
    assert set() == set(ROUTES) - tried, "write an attempt for the new routes"
    assert set() == tried - set(ROUTES)


@pytest.mark.parametrize("path", ITEMS)
def test_another_organizations_resource_is_the_404_of_one_that_never_existed(
    world: World, path: str
) -> None:
    resource = world.resources[ITEMS[path].name]
    nobody = world.nobody(resource)
    pairs = zip(
        item_attempts(ROUTES[path], resource), item_attempts(ROUTES[path], nobody), strict=True
    )
    statuses = {world.both(one, other, resource, nobody)[0] for one, other in pairs}
    assert {404} == statuses
    assert world.before == world.state()


@pytest.mark.parametrize("path", ITEMS)
def test_an_id_of_another_type_is_no_way_in_either(world: World, path: str) -> None:
    for other in world.resources.values():
        resource = Resource(ITEMS[path], other.id, other.tag, other.etag)
        nobody = world.nobody(resource)
        for method in ROUTES[path]:
            one, two = (
                Attempt(method, f"{resource.definition.endpoint}/{each.id}", {})
                for each in (resource, nobody)
            )
            assert 404 == world.both(one, two, resource, nobody)[0]


@pytest.mark.parametrize("path", [*COLLECTIONS, *SEARCHES, *ROOTS])
def test_no_filter_and_no_order_of_a_list_finds_another_organizations_resource(
    world: World, path: str
) -> None:
    owner = COLLECTIONS.get(path) or SEARCHES.get(path)
    for resource in world.resources.values():
        if owner is not None and owner is not resource.definition:
            continue
        nobody = world.nobody(resource)
        target = path or "/"
        pairs = zip(query_attempts(target, resource), query_attempts(target, nobody), strict=True)
        for one, other in pairs:
            status, _, text = world.both(one, other, resource, nobody)
            assert status == 400 or '"totalResults":0,' in text, (str(one), text)
            assert "victim" not in text.replace("TAG", "")


def test_most_of_these_filters_find_the_resource_for_its_owner(world: World) -> None:
    """Otherwise the test above would prove nothing."""
    for resource in world.resources.values():
        attempts = list(query_attempts(resource.definition.endpoint, resource))
        answers = [world.victim.get(each.path) for each in attempts]
        found = [each for each in answers if each.status_code == 200 and resource.id in each.text]
        assert len(found) > 0.6 * len(attempts)


@pytest.mark.parametrize("path", sorted(SAME_FOR_ALL))
def test_discovery_shows_nothing_of_any_organization(world: World, path: str) -> None:
    ids = [ITEM]
    if ITEM in path and "Schemas" in path:
        ids = [each.schema.id for each in DEFINITIONS]
    for each in ids:
        target = path.replace(ITEM, each)
        mine, theirs = world.intruder.get(target), world.victim.get(target)
        assert (mine.status_code, mine.content) == (theirs.status_code, theirs.content)
        assert "victim-" not in mine.text


@pytest.mark.parametrize("name", [each.name for each in DEFINITIONS])
def test_bulk_is_no_way_in(world: World, name: str) -> None:
    resource = world.resources[name]
    nobody = world.nobody(resource)
    for one, other in zip(bulk_attempts(resource), bulk_attempts(nobody), strict=True):
        status, _, text = world.both(one, other, resource, nobody)
        assert 200 == status
        assert set(re.findall(r'"status":"(\d+)"', text)) == {"404"}
    assert world.before == world.state()


@pytest.mark.parametrize("through_bulk", [False, True])
@pytest.mark.parametrize("name", [each.name for each in DEFINITIONS])
def test_naming_another_organizations_resource_is_naming_nobody(
    world: World, name: str, through_bulk: bool
) -> None:
    definition = next(each for each in DEFINITIONS if each.name == name)
    for named in world.resources.values():
        shown = []
        for number, other in enumerate((named.id, uuid7())):
            bodies = naming_bodies(definition, other, f"{number}-{uuid7()[-9:]}@x.test")
            shown.append([_made(world, definition, body, other, through_bulk) for body in bodies])
        assert shown[1] == shown[0]
    assert world.before == world.state()


def _made(
    world: World, definition: ResourceDefinition, body: Any, other: str, through_bulk: bool
) -> tuple[int, str]:
    """Create what names another, and return how the intruder sees it."""
    name = next(each for key, each in body.items() if key in ("userName", "displayName", "label"))
    if through_bulk:
        operation = {"method": "POST", "path": definition.endpoint, "bulkId": "b", "data": body}
        message = {"schemas": [BULK], "Operations": [operation]}
        entry = world.intruder.post("/Bulk", message).json()["Operations"][0]
        if entry["status"] != "201":
            detail = entry["response"]["detail"].replace(other, "OTHER").replace(name, "NAME")
            return int(entry["status"]), detail
        answer = world.intruder.get(entry["location"].removeprefix(world.intruder.base_url))
    else:
        answer = world.intruder.post(definition.endpoint, body)
    text = answer.text.replace(other, "OTHER")
    if answer.status_code < 300:
        made = answer.json()["id"]
        path = f"{definition.endpoint}/{made}"
        text = (answer.text + world.intruder.get(path).text).replace(made, "SELF")
        text = text.replace(other, "OTHER")
        assert 204 == world.intruder.send("DELETE", path).status_code
        assert "victim-" not in text
    return answer.status_code, TIME.sub("TIME", text).replace(name, "NAME")


@pytest.mark.parametrize("unknown_members", ["skip", "reject"])
def test_another_organizations_user_is_a_member_like_anybody_unknown(
    serve: Served, unknown_members: str
) -> None:
    scim = serve(unknown_members=unknown_members)
    theirs = scim.client("victim").create_user("ada@victim.test")["id"]
    intruder = scim.client("intruder")
    group = intruder.create_group("Staff")["id"]
    for other in (theirs, uuid7()):
        value: Any = [{"value": other}]
        answers = [
            intruder.patch(f"/Groups/{group}", {"op": op, "path": path, "value": given})
            for op, path, given in [
                ("add", "members", value),
                ("replace", "members", value),
                ("add", f'members[value eq "{other}"]', value[0]),
                ("remove", "members", value),
                ("remove", f'members[value eq "{other}"]', None),
            ]
        ]
        refused = unknown_members == "reject"
        expected = [400, 400, 400, 204, 204] if refused else [204] * 5
        assert expected == [each.status_code for each in answers]
        details = {each.text.replace(other, "ID") for each in answers if each.status_code == 400}
        assert len(details) == refused
        shown = intruder.get(f"/Groups/{group}").json()
        assert [] == shown["members"]
        assert 'W/"1"' == shown["meta"]["version"]
    assert "groups" not in scim.client("victim").get(f"/Users/{theirs}").json()


@pytest.mark.parametrize("name", [each.name for each in DEFINITIONS])
def test_what_is_taken_in_one_organization_is_free_in_another(world: World, name: str) -> None:
    resource = world.resources[name]
    other = world.scim.client(f"other-{name}")
    answer = other.post(resource.definition.endpoint, sample(resource.definition, "victim"))
    assert 201 == answer.status_code
    assert resource.id not in answer.text
    assert 1 == other.get("/").json()["totalResults"]
    again = other.post(resource.definition.endpoint, sample(resource.definition, "victim"))
    assert "Another" in assert_error(again, 409, "uniqueness")
    assert world.before == world.state()


def test_a_cursor_of_another_organization_is_like_any_that_was_made_up(serve: Served) -> None:
    scim = serve(hooks=None)
    victim, intruder = scim.client("victim"), scim.client("intruder")
    for number in range(3):
        victim.create_user(f"v{number}")
        intruder.create_user(f"i{number}")
    for query in ("", "&sortBy=userName", '&filter=userName sw "v"'):
        cursor = victim.get(f"/Users?cursor=&count=1{query}").json()["nextCursor"]
        assert 200 == victim.get(f"/Users?cursor={cursor}&count=1{query}").status_code
        made_up = "A" * len(cursor)
        answers = [
            intruder.get(f"/Users?cursor={each}&count=1{query}") for each in (cursor, made_up)
        ]
        assert_error(answers[0], 400, "invalidCursor")
        assert answers[0].content == answers[1].content
        body = {"schemas": [SEARCH], "cursor": cursor, "count": 1}
        assert_error(intruder.post("/Users/.search", body), 400, "invalidCursor")


def test_counts_and_pages_are_of_ones_own_only(serve: Served) -> None:
    scim = serve(hooks=None)
    victim, intruder = scim.client("victim"), scim.client("intruder")
    for number in range(5):
        victim.create_user(f"v{number}", title="T")
    intruder.create_user("mine", title="T")
    for query in ("", "?startIndex=2", "?count=0", '?filter=title eq "T"', "?sortBy=userName"):
        body = intruder.get(f"/Users{query}").json()
        assert 1 == body["totalResults"]
        assert {"mine"} >= {each["userName"] for each in body["Resources"]}
    assert 5 == victim.get("/Users").json()["totalResults"]


def test_nobody_waits_for_a_change_of_another_organization(serve: Served) -> None:
    """The time of an answer tells as much as the answer."""
    scim = serve(hook_timeout=30)
    victim, intruder = scim.client("victim"), scim.client("intruder")
    user = victim.create_user("ada@victim.test")
    called, release = threading.Event(), threading.Event()

    async def waiting(account: Account, context: HookContext) -> None:
        called.set()
        await asyncio.to_thread(release.wait, 30)

    scim.product.behaviour = waiting
    change = {"op": "replace", "path": "name.givenName", "value": "changed"}
    path = f"/Users/{user['id']}"
    slow = threading.Thread(target=victim.patch, args=(path, change))
    slow.start()
    try:
        assert called.wait(PATIENCE)
        for method, body in [
            ("GET", None),
            ("DELETE", None),
            ("PUT", {}),
            ("PATCH", {"schemas": [PATCH_OP], "Operations": [change]}),
        ]:
            began = time.monotonic()
            assert_error(intruder.send(method, path, body), 404)
            assert time.monotonic() - began < 20, f"{method} waited for another organization"
    finally:
        release.set()
        slow.join(30)


def test_a_limit_that_one_organization_has_reached_is_not_anothers(serve: Served) -> None:
    scim = serve(rate_limit="3/hour")
    loud, quiet = scim.client("loud"), scim.client("quiet")
    assert [200, 200, 200, 429] == [loud.get("/Users").status_code for _ in range(4)]
    assert 200 == quiet.get("/Users").status_code


@pytest.mark.parametrize("leaving", ["deleted", "inactive"])
def test_a_person_who_left_one_organization_does_not_return_in_another(
    serve: Served, leaving: str
) -> None:
    """Accounts are taken over by external id: never another organization's."""
    scim = serve()
    victim, intruder = scim.client("victim"), scim.client("intruder")
    user = victim.create_user("ada@acme.test", externalId="e-1")
    path = f"/Users/{user['id']}"
    if leaving == "deleted":
        assert 204 == victim.send("DELETE", path).status_code
    else:
        close = {"op": "replace", "path": "active", "value": False}
        assert 200 == victim.patch(path, close).status_code
    intruder.create_user("ada@acme.test", externalId="e-1")
    account, context = scim.product.calls[-1]
    assert ("create", "intruder") == (context.change, context.organization_id)
    assert account.id not in {each.id for each, _ in scim.product.calls[:-1]}
    assert account.host_id is None


def test_a_mapping_is_of_its_own_organization_alone(serve: Served) -> None:
    scim = serve()
    scim.set_mapping({"title": "last_name"}, "mapped")
    for organization, name in (("mapped", "Countess"), ("plain", "Lovelace")):
        client = scim.client(organization)
        client.create_user("ada@acme.test", title="Countess", name={"familyName": "Lovelace"})
        assert name == scim.product.calls[-1][0].last_name


def test_tokens_are_listed_for_their_own_organization_alone(serve: Served) -> None:
    scim = serve()
    scim.token("victim")
    scim.token("intruder")
    listed = scim.ask(lambda app: app.tokens.list("intruder"))
    assert ["intruder"] == [each.organization_id for each in listed]


def test_what_an_intruder_tries_is_in_its_own_log_alone(serve: Served) -> None:
    scim = serve()
    victim, intruder = scim.client("victim"), scim.client("intruder")
    user = victim.create_user("ada@victim.test")
    before = scim.log("victim")
    answer: httpx.Response = intruder.send("DELETE", f"/Users/{quote(user['id'])}")
    assert_error(answer, 404)
    assert before == scim.log("victim")
    (row,) = scim.log("intruder")
    assert ("refused", 404, "") == (row.action, row.status, row.resource_name)
    assert "ada" not in str(row)


def test_a_client_has_no_way_to_name_an_organization(world: World) -> None:
    headers = {"X-Organization": "victim", "X-Tenant": "victim", "X-Forwarded-Host": "victim.test"}
    for path in ("/Users", "/Users?organization_id=victim&organization=victim&tenant=victim"):
        assert 0 == _client(world).get(path, headers=headers).json()["totalResults"]


def _client(world: World) -> Client:
    return world.intruder
