"""Okta's test suites by their ids: SPEC (S), CRUD, entitlements, and the plan for manual tests (C).

CRUD drives an Okta organization and then reads from the server; here its two kinds of client do the
writing as Okta does: those of the App Integration Wizard by PUT, those of the catalogue by PATCH.
"""

from __future__ import annotations

import random
import string
from typing import Any

import httpx
import pytest

from tests.client import USER, Client, assert_error, created
from tests.conformance.checklist.requests import found, op, patched, query, read

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
HEADERS = {
    "Accept": "application/scim+json; charset=utf-8",
    "Content-Type": "application/scim+json; charset=utf-8",
    "User-Agent": "OKTA SCIM Integration",
}


def random_user() -> dict[str, Any]:
    """Return a user as the suite's script makes one: a mixed-case name of letters and digits."""
    given = f"Runscope{random.randint(100, 999)}"
    family = random.choice(string.ascii_uppercase) + "".join(
        random.choices(string.ascii_lowercase, k=8)
    )
    address = f"{given}{family}{random.randint(100, 999)}@acme.test"
    return {
        "schemas": [USER],
        "userName": address,
        "name": {"givenName": given, "familyName": family},
        "emails": [{"primary": True, "value": address, "type": "work"}],
        "displayName": f"{given} {family}",
        "active": True,
    }


@pytest.fixture
def ada(client: Client) -> dict[str, Any]:
    """One whole user, which has to be there before the suite begins."""
    return created(client.post("/Users", random_user()))


def ask(client: Client, path: str) -> httpx.Response:
    return client.get(path, headers=HEADERS)


def look_up(client: Client, name: str) -> dict[str, Any]:
    """Look a name up as the suite does and return the ListResponse."""
    answer = query(client, "/Users", filter=f'userName eq "{name}"')
    assert 200 == answer.status_code
    listing: dict[str, Any] = answer.json()
    assert [LIST] == listing["schemas"]
    return listing


def check_whole(user: dict[str, Any]) -> None:
    """Check what the suite wants of a user: id, name, userName, active and an address."""
    values = user["id"], user["name"]["familyName"], user["name"]["givenName"], user["userName"]
    assert all(isinstance(each, str) and each for each in values)
    assert isinstance(user["active"], bool)
    assert user["emails"][0]["value"]


def test_s1_a_page_of_one(client: Client, ada: dict[str, Any]) -> None:
    answer = ask(client, "/Users?count=1&startIndex=1")
    assert 200 == answer.status_code
    body = answer.json()
    assert [LIST] == body["schemas"]
    numbers = [body[each] for each in ("itemsPerPage", "startIndex", "totalResults")]
    assert [int, int, int] == [type(each) for each in numbers]
    check_whole(body["Resources"][0])


def test_s2_the_first_user_by_its_id(client: Client, ada: dict[str, Any]) -> None:
    answer = ask(client, f"/Users/{ada['id']}")
    assert (200, ada["id"]) == (answer.status_code, answer.json()["id"])
    check_whole(answer.json())


def test_s3_an_absent_address(client: Client, ada: dict[str, Any]) -> None:
    assert 0 == look_up(client, "abcdefgh@acme.test")["totalResults"]


def check_absent(client: Client, resource_id: str) -> None:
    answer = ask(client, f"/Users/{resource_id}")
    assert_error(answer, 404)
    assert ("404", [ERROR]) == (answer.json()["status"], answer.json()["schemas"])


def test_s4_an_id_of_noughts_and_ones_that_nobody_has(client: Client) -> None:
    check_absent(client, "".join(random.choices("01", k=30)))


def test_s5_a_name_that_is_free(client: Client, ada: dict[str, Any]) -> None:
    assert 0 == look_up(client, random_user()["userName"])["totalResults"]


def create(client: Client, body: dict[str, Any]) -> dict[str, Any]:
    return created(
        client.post("/Users", body, headers={**HEADERS, "Content-Type": "application/json"})
    )


def test_s6_a_user_is_created(client: Client) -> None:
    body = random_user()
    made = create(client, body)
    assert made["active"] is True
    assert made["id"]
    assert USER in made["schemas"]
    assert (body["userName"], body["name"]) == (made["userName"], made["name"])


def test_s7_the_new_user_is_read(client: Client) -> None:
    body = random_user()
    answer = ask(client, f"/Users/{create(client, body)['id']}")
    assert 200 == answer.status_code
    assert (body["userName"], body["name"]) == (answer.json()["userName"], answer.json()["name"])


def test_s8_a_name_that_is_taken(client: Client, ada: dict[str, Any]) -> None:
    assert_error(
        client.post("/Users", {**random_user(), "userName": ada["userName"]}), 409, "uniqueness"
    )


def test_s9_a_name_in_capitals(client: Client, ada: dict[str, Any]) -> None:
    hit = look_up(client, ada["userName"].upper())["Resources"][0]
    assert ada["userName"] == hit["userName"]


def test_s10_groups(client: Client) -> None:
    client.create_group("ops")
    answer = ask(client, "/Groups")
    assert (200, list) == (answer.status_code, type(answer.json()["Resources"]))
    # Whatever else the machine does meanwhile.
    assert min(ask(client, "/Groups").elapsed.total_seconds() for _ in range(5)) < 0.6


def test_s11_no_token(client: Client, ada: dict[str, Any]) -> None:
    path = f'/Users?filter=userName eq "{ada["userName"].upper()}"'
    answer = client.get(path, headers={**HEADERS, "Authorization": "non-token"})
    assert_error(answer, 401)
    assert ("401", [ERROR]) == (answer.json()["status"], answer.json()["schemas"])


def test_s12_an_id_of_digits_that_nobody_has(client: Client) -> None:
    check_absent(client, "00919288221112222")


class Okta:
    """One of Okta's clients: it knows what it has pushed, and pushes what has changed.

    Args:
        client: The connection.
        verb: ``PUT`` or ``PATCH``.
    """

    def __init__(self, client: Client, verb: str) -> None:
        self.client = client
        self.verb = verb
        self.profile: dict[str, Any] = {}
        self.id = ""

    def assign(self, profile: dict[str, Any]) -> None:
        """Look the user up; create it, or open it and push the profile."""
        self.profile = profile
        name = profile["userName"]
        path = f'/Users?filter=userName eq "{name}"&startIndex=1&count=100'
        hits = self.client.get(path).json()["Resources"]
        if not hits:
            extra = {"externalId": "00u1", "groups": [], "password": "x7Kq9d2m"}
            self.id = created(self.client.post("/Users", {**profile, **extra}))["id"]
            return
        self.id = hits[0]["id"]
        self._set_active(active=True)
        self.push({})

    def push(self, changes: dict[str, Any]) -> None:
        """Push a changed profile: GET, and PUT with the profile over it."""
        self.profile |= changes
        self._put({**self.profile, "active": True})

    def unassign(self) -> None:
        """Close the user."""
        self._set_active(active=False)

    def _set_active(self, *, active: bool) -> None:
        if self.verb == "PUT":
            self._put({"active": active})
            return
        answer = self.client.patch(f"/Users/{self.id}", op("replace", value={"active": active}))
        assert (200, active) == (answer.status_code, answer.json()["active"])

    def _put(self, changes: dict[str, Any]) -> None:
        path = f"/Users/{self.id}"
        answer = self.client.send("PUT", path, {**read(self.client, path), **changes})
        assert 200 == answer.status_code, answer.text
        check_whole(answer.json())


@pytest.fixture(params=["PUT", "PATCH"])
def okta(request: pytest.FixtureRequest, client: Client) -> Okta:
    """Either of Okta's clients."""
    return Okta(client, request.param)


def test_crud(okta: Okta, client: Client) -> None:
    person = {
        **random_user(),
        "title": "Engineer",
        "phoneNumbers": [{"type": "work", "value": "1"}],
    }
    okta.assign(dict(person))
    # 4: the user is found with what was sent
    hit = look_up(client, person["userName"])["Resources"][0]
    assert person["emails"][0]["value"] == hit["emails"][0]["value"]
    assert person["name"] == hit["name"]
    # 6: the new first name
    path = f"/Users/{okta.id}"
    okta.push({"name": {**person["name"], "givenName": "Renamed"}})
    assert "Renamed" == read(client, path)["name"]["givenName"]
    # 8: deactivated
    okta.unassign()
    assert read(client, path)["active"] is False
    # 11: activated and assigned again, the same id
    before = okta.id
    okta.assign(okta.profile)
    assert (before, True) == (okta.id, read(client, path)["active"])
    # 13: the assignment is removed
    okta.unassign()
    assert read(client, path)["active"] is False


@pytest.mark.parametrize("endpoint", ["/Users", "/Groups"])
def test_entitlements_a_page_counts_what_it_holds(client: Client, endpoint: str) -> None:
    for number in range(2):
        client.create_user(f"ada{number}@acme.test")
        client.create_group(f"ops{number}")
    body = read(client, f"{endpoint}?count=1&startIndex=1")
    assert ([LIST], 1, 1, 2) == (
        body["schemas"],
        body["startIndex"],
        body["itemsPerPage"],
        body["totalResults"],
    )


def test_c9335_c9336_who_is_there_is_linked_and_updated(
    okta: Okta, client: Client, ada: dict[str, Any]
) -> None:
    okta.assign({**random_user(), "userName": ada["userName"], "title": "Linked"})
    assert (ada["id"], "Linked") == (okta.id, read(client, f"/Users/{ada['id']}")["title"])
    assert 1 == read(client, "/Users")["totalResults"]


def test_c9337_empty_values_are_no_error(okta: Okta, client: Client) -> None:
    okta.assign({**random_user(), "title": "Engineer"})
    okta.push({"title": "", "nickName": None, "phoneNumbers": []})
    assert "title" not in read(client, f"/Users/{okta.id}")


def test_c9293_a_reactivation_keeps_id_and_attributes(okta: Okta, client: Client) -> None:
    okta.assign({**random_user(), "title": "Engineer"})
    before = read(client, f"/Users/{okta.id}")
    okta.unassign()
    okta.assign(okta.profile)
    after = read(client, f"/Users/{before['id']}")
    assert {**before, "meta": 0} == {**after, "meta": 0}


def test_c9303_an_import_reads_every_user_once_in_one_order(client: Client) -> None:
    made = [client.create_user(f"user{number}@acme.test")["id"] for number in range(105)]
    for _ in range(2):
        seen: list[str] = []
        for start in (1, 101):
            page = read(client, f"/Users?startIndex={start}&count=100")
            assert 105 == page["totalResults"]
            seen += [each["id"] for each in page["Resources"]]
        assert made == seen


def members(client: Client, path: str) -> set[str]:
    return {each["value"] for each in read(client, path)["members"]}


def test_c9312_to_c9333_group_push(client: Client) -> None:
    ada, bea = (client.create_user(f"{each}@acme.test")["id"] for each in ("ada", "bea"))
    made = client.create_group("ops", ada)
    path = f"/Groups/{made['id']}"
    # C9315, C9330: linked with a new name; old members stay, and there is no second group
    assert [] == found(client, "/Groups", 'displayName eq "operations"')
    patched(client, path, op("replace", value={"id": made["id"], "displayName": "operations"}))
    assert ({ada}, 1) == (members(client, path), read(client, "/Groups")["totalResults"])
    # C9332, C9333: members come and go
    add = op("add", "members", value=[{"value": bea, "display": "bea@acme.test"}])
    patched(client, path, op("remove", f'members[value eq "{ada}"]'), add)
    assert {bea} == members(client, path)
    # C9316, C9317: Push Now replaces them, by nobody too
    patched(client, path, op("replace", "members", value=[{"value": ada}]))
    assert {ada} == members(client, path)
    patched(client, path, op("replace", "members", value=[]))
    assert set() == members(client, path)
    # C9318, C9321: unlinked and deleted; users survive
    assert 204 == client.send("DELETE", path).status_code
    assert read(client, f"/Users/{ada}")["active"] is True


def test_c9340_c9341_credentials(client: Client) -> None:
    bad = client.get("/Users?startIndex=1&count=2", headers={"Authorization": "Bearer bad"})
    assert_error(bad, 401)
    assert 200 == client.get("/Users?startIndex=1&count=2").status_code
