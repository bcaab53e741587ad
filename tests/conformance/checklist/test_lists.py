"""LIST, SRT, PAG, CUR: lists, sorting and paging (RFC 7644 section 3.4.2, RFC 9865)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.client import ENTERPRISE, GROUP, USER, Client, assert_error, created
from tests.conformance.checklist.requests import (
    create_device,
    device,
    found,
    listed,
    name_of,
    query,
    read,
    search,
    user,
)
from tests.conftest import Served
from tests.waiting import until

LIST_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


@pytest.fixture
def nine(client: Client) -> Client:
    """Nine users, u0 to u8, with titles in threes."""
    for number in range(9):
        client.create_user(f"u{number}", title=f"t{number % 3}")
    return client


def page(client: Client, path: str = "/Users", **parameters: Any) -> dict[str, Any]:
    """Return a ListResponse."""
    answer = query(client, path, **parameters)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def walk(client: Client, path: str = "/Users", **parameters: Any) -> Iterator[dict[str, Any]]:
    """Yield the pages of a cursor walk."""
    cursor: str | None = ""
    while cursor is not None:
        body = page(client, path, cursor=cursor, **parameters)
        yield body
        cursor = body.get("nextCursor")


def test_list_01_and_list_02_a_list_response_has_its_members(nine: Client) -> None:
    body = page(nine)
    assert [LIST_RESPONSE] == body["schemas"]
    assert (9, 9, 1) == (body["totalResults"], body["itemsPerPage"], body["startIndex"])
    assert 9 == len(body["Resources"])


def test_list_03_nothing_found_is_an_empty_list(client: Client) -> None:
    body = page(client, filter='userName eq "x"')
    assert (0, []) == (body["totalResults"], body["Resources"])


def test_list_04_and_list_05_a_page_says_where_it_begins_and_how_many_it_has(nine: Client) -> None:
    body = page(nine, startIndex=8, count=5)
    assert (8, 2, 9) == (body["startIndex"], body["itemsPerPage"], body["totalResults"])


def test_list_06_the_total_does_not_depend_on_the_page(nine: Client) -> None:
    assert 3 == page(nine, count=1, filter='title eq "t0"')["totalResults"]


def test_list_07_a_query_at_the_base_looks_at_all_types(client: Client) -> None:
    client.create_user("ada")
    client.create_group("g")
    create_device(client)
    body = page(client, "/")
    assert 3 == body["totalResults"]
    types = 'meta.resourceType eq "User" or meta.resourceType eq "Group"'
    body = page(client, "/", filter=types)
    assert [[USER], [GROUP]] == [each["schemas"] for each in body["Resources"]]


def test_list_08_what_a_type_lacks_is_unassigned_there(client: Client) -> None:
    client.create_user("ada", displayName="x")
    client.create_group("x")
    create_device(client)
    assert ["ada"] == found(client, "/", "userName pr")
    assert ["ada", "x"] == found(client, "/", 'displayName eq "x"')
    assert ["x", "one"] == found(client, "/", "not (userName pr)")
    assert ["x", "one"] == found(client, "/", 'userName ne "ada"')


def test_list_07_root_queries_are_sorted_and_paged_over_all_types(client: Client) -> None:
    for name in ("d", "b"):
        client.create_user(name, displayName=name)
    for name in ("c", "a"):
        client.create_group(name)
    create_device(client)
    assert ["a", "b", "c", "d", "one"] == listed(client, "/", sortBy="displayName")
    assert ["c", "d"] == listed(client, "/", sortBy="displayName", startIndex=3, count=2)
    assert ["b", "c"] == listed(client, "/", startIndex=2, count=2)


def test_list_10_and_pag_07_a_page_has_no_more_than_the_maximum(client: Client) -> None:
    operations = [
        {"method": "POST", "path": "/Users", "bulkId": str(n), "data": user(userName=f"u{n}")}
        for n in range(205)
    ]
    bulk = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": operations,
    }
    assert 200 == client.post("/Bulk", bulk).status_code
    maximum = read(client, "/ServiceProviderConfig")["filter"]["maxResults"]
    body = page(client, count=10**6)
    assert (200, 205) == (maximum, body["totalResults"])
    assert 200 == body["itemsPerPage"] == len(body["Resources"])
    assert 100 == page(client)["itemsPerPage"]


def test_list_11_deleted_resources_are_not_listed(nine: Client) -> None:
    nine.send("DELETE", f"/Users/{page(nine)['Resources'][0]['id']}")
    assert [f"u{number}" for number in range(1, 9)] == listed(nine, "/Users")
    assert 8 == page(nine)["totalResults"]


def test_list_12_another_organization_sees_and_counts_nothing(
    nine: Client, stranger: Client
) -> None:
    for path in ("/Users", "/"):
        body = page(stranger, path)
        assert (0, []) == (body["totalResults"], body["Resources"])


def test_list_13_and_list_15_an_element_is_what_a_get_returns(client: Client) -> None:
    create_device(client, note="n", secret="s", ports=[{"name": "p", "hint": "h", "pin": "1"}])
    member = client.create_user("ada", password="x")["id"]
    client.create_group("g", member)
    for path in ("/Devices", "/Users", "/Groups"):
        (element,) = page(client, path)["Resources"]
        assert element == read(client, f"{path}/{element['id']}")


def test_list_14_and_pag_12_pages_hold_everything_once(nine: Client) -> None:
    for parameters in (
        {},
        {"filter": 'title ne "t0"'},
        {"sortBy": "title"},
        {"sortBy": "title", "sortOrder": "descending"},
    ):
        total = page(nine, **parameters)["totalResults"]
        names = [
            name
            for start in range(1, total + 1, 2)
            for name in listed(nine, "/Users", startIndex=start, count=2, **parameters)
        ]
        assert total == len(names) == len(set(names))


def test_srt_02_sorting_is_ascending_by_default(client: Client) -> None:
    for name in ("b", "c", "a"):
        client.create_user(name)
    assert ["a", "b", "c"] == listed(client, "/Users", sortBy="userName")


def test_srt_03_the_order_can_be_reversed(client: Client) -> None:
    for name in ("b", "c", "a"):
        client.create_user(name)
    assert ["c", "b", "a"] == listed(client, "/Users", sortBy="userName", sortOrder="descending")
    assert ["a", "b", "c"] == listed(client, "/Users", sortBy="userName", sortOrder="Ascending")
    answer = query(client, "/Users", sortBy="userName", sortOrder="sideways")
    assert_error(answer, 400, "invalidValue")


def test_srt_04_an_order_without_an_attribute_is_ignored(nine: Client) -> None:
    assert "u0" == listed(nine, "/Users", sortOrder="descending")[0]


def test_srt_05_texts_sort_as_they_compare(client: Client) -> None:
    for name in ("b", "A", "c"):
        client.create_user(name)
    for label in ("a", "B", "b", "A"):
        create_device(client, label)
    assert ["A", "b", "c"] == listed(client, "/Users", sortBy="userName")
    assert ["A", "B", "a", "b"] == listed(client, "/Devices", sortBy="label")


def test_srt_06_numbers_and_moments_sort_as_such(client: Client) -> None:
    create_device(client, "a", rank=10, weight=2, seenAt="2026-01-31T10:00:00+02:00")
    create_device(client, "b", rank=2, weight=10.5, seenAt="2026-01-31T09:00:00Z")
    assert ["b", "a"] == listed(client, "/Devices", sortBy="rank")
    assert ["a", "b"] == listed(client, "/Devices", sortBy="weight")
    assert ["a", "b"] == listed(client, "/Devices", sortBy="seenAt")
    assert ["b", "a"] == listed(client, "/Devices", sortBy="meta.created", sortOrder="descending")


def test_srt_07_unassigned_is_last_and_first_when_reversed(client: Client) -> None:
    for name, title in (("a", None), ("b", "y"), ("c", "x")):
        client.create_user(name, title=title)
    assert ["c", "b", "a"] == listed(client, "/Users", sortBy="title")
    assert ["a", "b", "c"] == listed(client, "/Users", sortBy="title", sortOrder="descending")


@pytest.mark.parametrize("attribute", ["emails.value", "emails"])
def test_srt_08_of_several_values_the_primary_or_first_counts(
    client: Client, attribute: str
) -> None:
    client.create_user("u1", emails=[{"value": "a"}, {"value": "z", "primary": True}])
    client.create_user("u2", emails=[{"value": "m"}, {"value": "b"}])
    assert ["u2", "u1"] == listed(client, "/Users", sortBy=attribute)
    create_device(client, "d1", tags=["z", "a"])
    create_device(client, "d2", tags=["m"])
    assert ["d2", "d1"] == listed(client, "/Devices", sortBy="tags")


def test_srt_09_a_complex_value_is_sorted_by_a_sub_attribute(client: Client) -> None:
    client.create_user("a", name={"givenName": "B"})
    client.create_user("b", name={"givenName": "a"})
    assert_error(query(client, "/Users", sortBy="name"), 400, "invalidValue")
    assert ["b", "a"] == listed(client, "/Users", sortBy="name.givenName")


def test_srt_10_qualified_names_sort_too(client: Client) -> None:
    for name, number in (("a", "2"), ("b", "1")):
        created(
            client.post("/Users", user(userName=name, **{ENTERPRISE: {"employeeNumber": number}}))
        )
    attribute = f"{ENTERPRISE.upper()}:EMPLOYEENUMBER"
    assert ["b", "a"] == listed(client, "/Users", sortBy=attribute)


def test_srt_11_equal_values_keep_one_order(nine: Client) -> None:
    names = [
        name
        for start in (1, 4, 7)
        for name in listed(nine, "/Users", sortBy="title", startIndex=start, count=3)
    ]
    assert ["u0", "u3", "u6", "u1", "u4", "u7", "u2", "u5", "u8"] == names


@pytest.mark.parametrize("attribute", ["password", "urn:x:y", "nope", "a b", "name.nope"])
def test_srt_12_and_srt_13_hidden_and_unknown_attributes_do_not_sort(
    client: Client, attribute: str
) -> None:
    assert_error(query(client, "/Users", sortBy=attribute), 400, "invalidValue")
    for hidden in ("secret", "place.badge", "ports.pin"):
        assert_error(query(client, "/Devices", sortBy=hidden), 400, "invalidValue")


def test_pag_01_indexes_begin_with_one(nine: Client) -> None:
    assert "u1" == listed(nine, "/Users", startIndex=2)[0]


@pytest.mark.parametrize("start", [0, -5])
def test_pag_02_and_pag_11_an_index_below_one_is_one(nine: Client, start: int) -> None:
    body = page(nine, startIndex=start, count=1)
    assert (1, "u0") == (body["startIndex"], name_of(body["Resources"][0]))


def test_pag_03_a_page_has_no_more_than_asked(nine: Client) -> None:
    assert 2 == len(page(nine, count=2)["Resources"])


@pytest.mark.parametrize("count", [0, -3])
def test_pag_04_and_pag_05_a_count_of_zero_or_less_asks_for_the_total(
    nine: Client, count: int
) -> None:
    body = page(nine, count=count)
    assert (9, 0, []) == (body["totalResults"], body["itemsPerPage"], body["Resources"])


def test_pag_06_without_a_count_there_is_a_default(nine: Client) -> None:
    assert 9 == page(nine)["itemsPerPage"]


def test_pag_08_behind_the_end_there_is_nothing(nine: Client) -> None:
    body = page(nine, startIndex=9999)
    assert (9, 0, []) == (body["totalResults"], body["itemsPerPage"], body["Resources"])


@pytest.mark.parametrize("parameter", ["count=abc", "startIndex=1.5", "count=1e2", "startIndex=x"])
def test_pag_09_what_is_no_whole_number_is_refused(client: Client, parameter: str) -> None:
    assert_error(client.get(f"/Users?{parameter}"), 400, "invalidValue")


def test_pag_10_huge_numbers_do_no_harm(nine: Client) -> None:
    huge = 99999999999999999999
    assert [] == page(nine, startIndex=huge)["Resources"]
    assert 9 == page(nine, count=huge)["itemsPerPage"]
    assert 9 == page(nine, startIndex=-huge)["itemsPerPage"]


def test_pag_13_a_search_counts_in_numbers_or_their_texts(nine: Client) -> None:
    assert 2 == search(nine, "/Users", count=2).json()["itemsPerPage"]
    assert 2 == search(nine, "/Users", count="2").json()["itemsPerPage"]
    wrong: list[Any] = ["x", 1.5, True, [], {}]
    for count in wrong:
        assert_error(search(nine, "/Users", count=count), 400, "invalidValue")


@pytest.mark.parametrize("begin", ["cursor&count=4", "cursor=&count=4"])
def test_cur_01_and_cur_06_an_empty_cursor_begins_a_walk(nine: Client, begin: str) -> None:
    body = read(nine, f"/Users?{begin}")
    assert (4, 9) == (body["itemsPerPage"], body["totalResults"])
    assert body["nextCursor"]


@pytest.mark.parametrize("count", [1, 2, 3, 8, 9, 10])
def test_cur_02_a_walk_visits_everything_once_and_ends(nine: Client, count: int) -> None:
    pages = list(walk(nine, count=count))
    names = [name_of(each) for body in pages for each in body["Resources"]]
    assert [f"u{number}" for number in range(9)] == names
    assert -(-9 // count) == len(pages)
    assert all("nextCursor" in body for body in pages[:-1])
    assert "nextCursor" not in pages[-1]


def test_cur_02_a_walk_survives_what_happens_on_the_way(nine: Client) -> None:
    names = []
    for body in walk(nine, count=3):
        names += [name_of(each) for each in body["Resources"]]
        nine.send("DELETE", f"/Users/{body['Resources'][-1]['id']}")
    assert [f"u{number}" for number in range(9)] == names


def test_cur_03_the_first_page_has_no_previous_cursor(nine: Client) -> None:
    assert "previousCursor" not in page(nine, cursor="", count=2)


def test_cur_04_a_cursor_needs_no_encoding(nine: Client) -> None:
    assert re.fullmatch(r"[A-Za-z0-9._~-]+", page(nine, cursor="", count=2)["nextCursor"])


@pytest.mark.parametrize("count", [0, -1])
def test_cur_05_a_count_of_zero_asks_for_the_total(nine: Client, count: int) -> None:
    body = page(nine, cursor="", count=count)
    assert (9, []) == (body["totalResults"], body["Resources"])
    assert "nextCursor" not in body


@pytest.mark.parametrize("cursor", ["garbage", "AAAA", "%00", "é", "x" * 4000])
def test_cur_07_a_cursor_that_is_none_of_ours_is_refused(nine: Client, cursor: str) -> None:
    assert_error(query(nine, "/Users", cursor=cursor), 400, "invalidCursor")


def test_cur_08_an_old_cursor_has_expired(serve: Served) -> None:
    client = serve(hooks=None, cursor_timeout=0.05).client()
    for name in ("a", "b"):
        client.create_user(name)
    cursor = page(client, cursor="", count=1)["nextCursor"]
    until(lambda: query(client, "/Users", cursor=cursor).status_code == 400)
    assert_error(query(client, "/Users", cursor=cursor), 400, "expiredCursor")


def test_cur_09_the_count_of_a_walk_stays(nine: Client) -> None:
    cursor = page(nine, cursor="", count=2)["nextCursor"]
    assert_error(query(nine, "/Users", cursor=cursor, count=3), 400, "invalidCount")
    assert_error(query(nine, "/Users", cursor="", count="x"), 400, "invalidCount")
    assert 2 == page(nine, cursor=cursor)["itemsPerPage"]


def test_cur_10_a_cursor_belongs_to_its_query(nine: Client) -> None:
    nine.create_group("g")
    cursor = page(nine, cursor="", count=2)["nextCursor"]
    for path, parameters in (
        ("/Users", {"filter": "title pr"}),
        ("/Users", {"sortBy": "title"}),
        ("/Groups", {}),
        ("/", {}),
    ):
        answer = query(nine, path, cursor=cursor, **parameters)
        assert_error(answer, 400, "invalidCursor")


def test_cur_11_without_a_cursor_pages_go_by_index(nine: Client) -> None:
    body = page(nine, count=2)
    assert 1 == body["startIndex"]
    assert "nextCursor" not in body
    config = read(nine, "/ServiceProviderConfig")["pagination"]
    assert "index" == config["defaultPaginationMethod"]


def test_cur_12_an_index_and_a_cursor_exclude_each_other(nine: Client) -> None:
    assert_error(query(nine, "/Users", cursor="", startIndex=2), 400, "invalidValue")
    assert 9 == page(nine, cursor="", startIndex=1)["itemsPerPage"]


def test_cur_13_a_search_takes_a_cursor(nine: Client) -> None:
    first = search(nine, "/Users", cursor="", count=5).json()
    second = search(nine, "/Users", cursor=first["nextCursor"], count=5).json()
    assert (5, 4) == (first["itemsPerPage"], second["itemsPerPage"])
    assert "nextCursor" not in second


def test_cur_14_the_configuration_tells_of_cursors(client: Client) -> None:
    assert {
        "cursor": True,
        "index": True,
        "defaultPaginationMethod": "index",
        "defaultPageSize": 100,
        "maxPageSize": 200,
        "cursorTimeout": 3600,
    } == read(client, "/ServiceProviderConfig")["pagination"]


def test_cur_15_another_organizations_cursor_is_like_garbage(
    nine: Client, stranger: Client
) -> None:
    cursor = page(nine, cursor="", count=2)["nextCursor"]
    theirs = query(stranger, "/Users", cursor=cursor)
    assert query(stranger, "/Users", cursor="garbage").json() == theirs.json()
    assert_error(theirs, 400, "invalidCursor")


def test_cur_16_a_changed_cursor_is_refused(nine: Client) -> None:
    cursor = page(nine, cursor="", count=2)["nextCursor"]
    for at in range(0, len(cursor), 7):
        other = "A" if cursor[at] != "A" else "B"
        changed = cursor[:at] + other + cursor[at + 1 :]
        assert_error(query(nine, "/Users", cursor=changed), 400, "invalidCursor")


def test_cur_17_walks_that_are_not_ended_cost_nothing(nine: Client) -> None:
    cursors = {page(nine, cursor="", count=2)["nextCursor"] for _ in range(20)}
    for cursor in cursors:
        assert 2 == page(nine, cursor=cursor)["itemsPerPage"]


@pytest.mark.parametrize("order", ["ascending", "descending"])
def test_srt_14_a_walk_is_sorted(nine: Client, order: str) -> None:
    names = [
        name_of(each)
        for body in walk(nine, sortBy="title", sortOrder=order, count=2)
        for each in body["Resources"]
    ]
    assert listed(nine, "/Users", sortBy="title", sortOrder=order) == names


def test_cur_02_a_walk_over_all_types_visits_everything_once(nine: Client) -> None:
    nine.create_group("g")
    created(nine.post("/Devices", device()))
    names = [name_of(each) for body in walk(nine, "/", count=4) for each in body["Resources"]]
    assert [*(f"u{number}" for number in range(9)), "g", "one"] == names
