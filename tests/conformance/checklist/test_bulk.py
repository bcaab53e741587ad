"""BLK: bulk requests (RFC 7644 section 3.7)."""

from __future__ import annotations

from typing import Any

import pytest

from scim_asgi import Limits
from tests.client import ENTERPRISE, GROUP, PATCH_OP, USER, Client, assert_error
from tests.conformance.checklist.requests import listed, op, read, user
from tests.conftest import Scim, Served

BULK_REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
BULK_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"


def send(client: Client, *operations: Any, **members: Any) -> list[dict[str, Any]]:
    """Send a bulk request and return the operations of the answer."""
    body = {"schemas": [BULK_REQUEST], "Operations": list(operations), **members}
    answer = client.post("/Bulk", body)
    assert answer.status_code == 200, answer.text
    assert [BULK_RESPONSE] == answer.json()["schemas"]
    done: list[dict[str, Any]] = answer.json()["Operations"]
    return done


def post(path: str, bulk_id: str, **data: Any) -> dict[str, Any]:
    """Return a POST operation."""
    return {"method": "POST", "path": path, "bulkId": bulk_id, "data": data}


def new_user(bulk_id: str, name: Any = None, **attributes: Any) -> dict[str, Any]:
    """Return an operation that creates a user."""
    return post("/Users", bulk_id, **user(userName=bulk_id if name is None else name, **attributes))


def new_group(bulk_id: str, *members: str) -> dict[str, Any]:
    """Return an operation that creates a group."""
    values = [{"value": f"bulkId:{each}"} for each in members]
    return post("/Groups", bulk_id, schemas=[GROUP], displayName=bulk_id, members=values)


def statuses(done: list[dict[str, Any]]) -> list[str]:
    """Return the statuses of the answer."""
    return [each["status"] for each in done]


def members_of(client: Client, name: str) -> list[str]:
    """Return the ids of a group's members."""
    groups = read(client, "/Groups")["Resources"]
    found = next(each for each in groups if each["displayName"] == name)
    return [each["value"] for each in found["members"]]


def id_of(client: Client, name: str) -> str:
    """Return the id of a user or group."""
    resources = read(client, "/")["Resources"]
    names = {each.get("userName", each.get("displayName")): each["id"] for each in resources}
    return str(names[name])


@pytest.mark.parametrize(
    "body",
    [
        {"Operations": [new_user("a")]},
        {"schemas": [USER], "Operations": [new_user("a")]},
        {"schemas": [BULK_REQUEST]},
        {"schemas": [BULK_REQUEST], "Operations": []},
        {"schemas": [BULK_REQUEST], "Operations": {}},
    ],
)
def test_blk_02_a_bulk_request_says_what_it_is(client: Client, body: dict[str, Any]) -> None:
    assert_error(client.post("/Bulk", body), 400, "invalidSyntax")
    assert [] == listed(client, "/Users")


def test_blk_03_and_blk_10_one_failure_leaves_the_rest(client: Client) -> None:
    done = send(client, new_user("a"), new_user("b", "A"), new_user("c"))
    assert ["201", "409", "201"] == statuses(done)
    assert ["a", "c"] == listed(client, "/Users")


@pytest.mark.parametrize("method", ["GET", "", None, 5, "MERGE"])
def test_blk_04_a_method_is_one_of_four(client: Client, method: Any) -> None:
    operation = {**new_user("a"), "method": method}
    done = send(client, operation, {**new_user("b"), "method": "post"})
    assert ["400", "201"] == statuses(done)
    assert "invalidSyntax" == done[0]["response"]["scimType"]


def test_blk_05_a_post_has_a_bulk_id_of_its_own(client: Client) -> None:
    nameless = {"method": "POST", "path": "/Users", "data": user(userName="x")}
    done = send(client, nameless, new_user("a"), new_user("a", "b"))
    assert ["400", "201", "400"] == statuses(done)
    assert "a" == done[1]["bulkId"]
    assert ["a"] == listed(client, "/Users")


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        (post("/Users/u1", "a", **user()), "405"),
        ({"method": "PUT", "path": "/Users", "data": user()}, "405"),
        ({"method": "DELETE", "path": "/Users"}, "405"),
        (post("https://other.test/Users", "a", **user()), "404"),
        (post("/Users/a/b", "a", **user()), "404"),
        (post("", "a", **user()), "400"),
        ({"method": "DELETE", "path": 5}, "400"),
    ],
)
def test_blk_06_a_path_is_an_endpoint_or_a_resource(
    client: Client, operation: dict[str, Any], status: str
) -> None:
    assert [status] == statuses(send(client, operation))


def test_blk_06_the_first_slash_may_be_missing(client: Client) -> None:
    assert ["201"] == statuses(send(client, post("Users", "a", **user())))


@pytest.mark.parametrize("data", [None, [], "x"])
def test_blk_07_data_is_the_body(client: Client, data: Any) -> None:
    path = f"/Users/{client.create_user('ada')['id']}"
    for method in ("PUT", "PATCH"):
        assert ["400"] == statuses(send(client, {"method": method, "path": path, "data": data}))
    bare = {"method": "PATCH", "path": path, "data": {"Operations": [op("remove", "title")]}}
    assert ["400"] == statuses(send(client, bare))


def test_blk_08_and_blk_09_an_entry_says_what_became_of_its_operation(client: Client) -> None:
    made = client.create_user("old")
    path = f"/Users/{made['id']}"
    change = {"schemas": [PATCH_OP], "Operations": [op("add", "title", value="T")]}
    done = send(
        client,
        new_user("a"),
        {"method": "PATCH", "path": path, "data": change},
        {"method": "PUT", "path": path, "data": {"schemas": [USER]}},
        {"method": "DELETE", "path": path},
        {"method": "DELETE", "path": path, "bulkId": "again"},
    )
    assert ["201", "200", "400", "204", "404"] == statuses(done)
    url = made["meta"]["location"]
    assert [url] * 4 == [each["location"] for each in done[1:]]
    assert read(client, f"/Users/{id_of(client, 'a')}")["meta"]["location"] == done[0]["location"]
    assert ('W/"1"', 'W/"2"') == (done[0]["version"], done[1]["version"])
    assert ["POST", "PATCH", "PUT", "DELETE", "DELETE"] == [each["method"] for each in done]
    assert "again" == done[4]["bulkId"]
    assert "userName" in done[2]["response"]["detail"]
    assert "400" == done[2]["response"]["status"]
    assert not any("response" in each for each in (done[0], done[1], done[3]))


def test_blk_11_fail_on_errors_stops(client: Client) -> None:
    operations = new_user("a"), new_user("b", "A"), new_user("c"), new_user("d")
    assert ["201", "409"] == statuses(send(client, *operations, failOnErrors=1))
    assert ["a"] == listed(client, "/Users")
    assert 4 == len(send(client, *operations, failOnErrors=3))


@pytest.mark.parametrize("limit", [0, -1, "x", 1.5, True])
def test_blk_11_fail_on_errors_is_a_number(client: Client, limit: Any) -> None:
    body = {"schemas": [BULK_REQUEST], "Operations": [new_user("a")], "failOnErrors": limit}
    assert_error(client.post("/Bulk", body), 400, "invalidValue")


def test_blk_12_references_resolve_wherever_they_are(client: Client) -> None:
    group = client.create_group("there")["id"]
    member = {
        "schemas": [PATCH_OP],
        "Operations": [op("add", "members", value=[{"value": "bulkId:a"}])],
    }
    title = {"schemas": [PATCH_OP], "Operations": [op("add", "title", value="T")]}
    gone = {"schemas": [PATCH_OP], "Operations": [op("remove", 'members[value eq "bulkId:b"]')]}
    done = send(
        client,
        new_user("a"),
        new_user(
            "b", **{ENTERPRISE: {"manager": {"value": "bulkId:a", "$ref": "../Users/bulkId:a"}}}
        ),
        new_group("g", "a", "b"),
        {"method": "PATCH", "path": f"/Groups/{group}", "data": member},
        {"method": "PATCH", "path": "/Users/bulkId:a", "data": title},
        {"method": "PATCH", "path": "/Groups/bulkId:g", "data": gone},
    )
    assert ["201", "201", "201", "204", "200", "204"] == statuses(done)
    one, two = id_of(client, "a"), id_of(client, "b")
    assert one == read(client, f"/Users/{two}")[ENTERPRISE]["manager"]["value"]
    assert [one] == members_of(client, "g") == members_of(client, "there")
    assert "T" == read(client, f"/Users/{one}")["title"]
    assert done[4]["location"].endswith(f"/Users/{one}")
    assert "bulkId:" not in str(read(client, "/"))


def test_blk_13_references_may_point_forward(client: Client) -> None:
    done = send(client, new_group("g", "u"), new_group("outer", "g"), new_user("u"))
    assert ["201"] * 3 == statuses(done)
    assert ["g", "outer", "u"] == [each["bulkId"] for each in done]
    assert [id_of(client, "u")] == members_of(client, "g")
    assert [id_of(client, "g")] == members_of(client, "outer")


def test_blk_14_references_may_go_in_circles(client: Client) -> None:
    done = send(client, new_group("a", "b"), new_group("b", "c"), new_group("c", "a", "c"))
    assert ["201"] * 3 == statuses(done)
    one, two, three = (id_of(client, name) for name in ("a", "b", "c"))
    assert [two] == members_of(client, "a")
    assert [three] == members_of(client, "b")
    assert {one, three} == set(members_of(client, "c"))
    for each in done:
        path = each["location"].removeprefix(client.base_url)
        assert each["version"] == client.get(path).headers["etag"]


def test_blk_14_and_ext_10_extensions_may_go_in_circles_too(client: Client) -> None:
    def person(name: str, boss: str) -> dict[str, Any]:
        extension = {"department": "d", "manager": {"value": f"bulkId:{boss}"}}
        return new_user(name, **{ENTERPRISE: extension})

    assert ["201", "201"] == statuses(send(client, person("a", "b"), person("b", "a")))
    for name, boss in (("a", "b"), ("b", "a")):
        shown = read(client, f"/Users/{id_of(client, name)}")[ENTERPRISE]
        assert {"department": "d", "manager": {"value": id_of(client, boss)}} == shown


def test_blk_14_a_long_chain_is_no_trouble(client: Client) -> None:
    chain = [new_group(f"g{number}", f"g{number + 1}") for number in range(300)]
    done = send(client, *chain, new_group("g300"))
    assert {"201"} == set(statuses(done))


def test_blk_14_what_comes_behind_a_circle_sees_it_whole(client: Client) -> None:
    added = {"schemas": [PATCH_OP], "Operations": [op("add", "members", value="bulkId:u")]}
    done = send(
        client,
        new_group("a", "b"),
        new_group("b", "a"),
        new_user("u"),
        {"method": "PATCH", "path": "/Groups/bulkId:a", "data": added},
        {"method": "PATCH", "path": "/Groups/bulkId:b", "data": added},
    )
    assert ["201", "201", "201", "204", "204"] == statuses(done)
    assert {id_of(client, "b"), id_of(client, "u")} == set(members_of(client, "a"))
    assert {id_of(client, "a"), id_of(client, "u")} == set(members_of(client, "b"))


def test_blk_15_a_reference_to_nothing_fails_alone(client: Client) -> None:
    done = send(
        client,
        new_group("g", "nobody"),
        new_user("a", ""),
        new_group("h", "a"),
        new_user("b"),
        {"method": "DELETE", "path": "/Users/bulkId:a"},
    )
    assert "400" == done[0]["status"]
    assert ["409", "201", "409"] == statuses(done[2:])
    assert [] == listed(client, "/Groups")
    assert "b" in listed(client, "/Users")


def test_blk_15_a_circle_with_a_failure_in_it_fails_whole(client: Client) -> None:
    client.create_group("b")
    done = send(client, new_group("a", "b"), new_group("b", "a"), new_group("c"))
    assert ["409", "409", "201"] == statuses(done)
    assert ["b", "c"] == listed(client, "/Groups")


def test_blk_16_too_many_operations_are_413(client: Client) -> None:
    limit = read(client, "/ServiceProviderConfig")["bulk"]["maxOperations"]
    operations = [new_user(str(number)) for number in range(limit + 1)]
    answer = client.post("/Bulk", {"schemas": [BULK_REQUEST], "Operations": operations})
    assert str(limit) in assert_error(answer, 413)
    assert [] == listed(client, "/Users")


def test_blk_17_a_body_that_is_too_large_is_413(serve: Served) -> None:
    client = serve(hooks=None, limits=Limits(body_bytes=1000)).client()
    assert 1000 == read(client, "/ServiceProviderConfig")["bulk"]["maxPayloadSize"]
    answer = client.post("/Bulk", b"x" * 1001)
    assert "1000" in assert_error(answer, 413)

    def chunks() -> Any:
        yield b"{" * 600
        yield b"{" * 600

    whole = client.base_url + "/Bulk"
    answer = client._http.post(whole, content=chunks())
    assert "1000" in assert_error(answer, 413)


def test_blk_18_and_etg_15_a_version_has_to_match(client: Client) -> None:
    made = client.create_user("ada")
    path = f"/Users/{made['id']}"
    change = {"schemas": [PATCH_OP], "Operations": [op("add", "title", value="T")]}
    operation = {"method": "PATCH", "path": path, "data": change}
    stale = {**operation, "version": 'W/"9"'}
    fresh = {**operation, "version": made["meta"]["version"]}
    assert ["412", "200"] == statuses(send(client, stale, fresh))
    gone = {"method": "DELETE", "path": path, "version": 'W/"9"'}
    assert ["412"] == statuses(send(client, gone))


def test_blk_19_answers_are_in_the_order_of_the_request(client: Client) -> None:
    done = send(client, new_group("g", "u"), new_user("x"), new_user("u"))
    assert ["g", "x", "u"] == [each["bulkId"] for each in done]


def test_blk_20_operations_see_each_other(client: Client) -> None:
    assert ["201", "409"] == statuses(send(client, new_user("a"), new_user("b", "A")))


def test_blk_21_what_came_before_a_failure_stays(client: Client) -> None:
    send(client, new_user("a"), new_user("b", ""))
    assert ["a"] == listed(client, "/Users")


@pytest.mark.parametrize("path", ["/Bulk", "/Me", "/Schemas", "/ServiceProviderConfig", "/Nope"])
def test_blk_22_only_resources_are_changed_in_bulk(client: Client, path: str) -> None:
    done = send(client, post(path, "a", schemas=[BULK_REQUEST], Operations=[new_user("b")]))
    assert ["404"] == statuses(done)
    assert [] == listed(client, "/Users")


def test_blk_23_no_answer_holds_a_password(client: Client) -> None:
    body = {
        "schemas": [BULK_REQUEST],
        "Operations": [
            new_user("a", password="hush-hush"),
            new_user("b", "a", password="hush-hush"),
            new_user("c", password={"x": "hush-hush"}),
        ],
    }
    answer = client.post("/Bulk", body)
    assert ["201", "409", "400"] == statuses(answer.json()["Operations"])
    assert "hush" not in answer.text


def test_bulk_changes_call_hooks_one_by_one(serve: Served) -> None:
    scim: Scim = serve()
    client = scim.client()
    change = {"schemas": [PATCH_OP], "Operations": [op("replace", "active", value=False)]}
    done = send(
        client,
        new_user("a", "a@x.test"),
        {"method": "PATCH", "path": "/Users/bulkId:a", "data": change},
        new_user("b", "no address"),
    )
    assert ["201", "200", "400"] == statuses(done)
    assert ["create", "deactivate"] == scim.product.changes
    reasons = [context.reason for _, context in scim.product.calls]
    assert ["POST /Users", "PATCH /Users/bulkId:a"] == reasons
    assert {"created", "deactivated", "skipped"} == {row.action for row in scim.log()}
