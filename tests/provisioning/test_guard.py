"""A mistake in a directory does not empty a product."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from scim_asgi import AccountRejected, Guard, ScimApp
from scim_asgi.provisioning.clock import now
from scim_asgi.store.records import HeldChange
from tests.client import Client, assert_error
from tests.conftest import Scim, Served
from tests.product import raising
from tests.waiting import until

SMALL = Guard(share=0.3, minimum=2, seconds=600)


def close(client: Client, user_id: str, *, active: bool = False) -> httpx.Response:
    operation = {"op": "replace", "path": "active", "value": active}
    return client.patch(f"/Users/{user_id}", operation)


def delete(client: Client, user_id: str) -> httpx.Response:
    return client.send("DELETE", f"/Users/{user_id}")


def people(client: Client, count: int) -> list[str]:
    return [client.create_user(f"u{number}@acme.test")["id"] for number in range(count)]


def held(scim: Scim) -> int:
    return scim.ask(lambda app: app.reconciliation.status("acme")).held


def kinds(scim: Scim) -> dict[HeldChange, int]:
    return scim.ask(lambda app: app.reconciliation.status("acme")).held_changes


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.name == "scim_asgi.guard"]


def put(client: Client, user_id: str, *, active: bool | None = True) -> httpx.Response:
    user = {**client.get(f"/Users/{user_id}").json(), "title": "T"}
    user.pop("active")
    body = user if active is None else {**user, "active": active}
    return client.send("PUT", f"/Users/{user_id}", body)


def release(scim: Scim, organization: str = "acme") -> int:
    return scim.ask(lambda app: app.reconciliation.release(organization))


@pytest.fixture
def scim(serve: Served) -> Scim:
    return serve(guard=SMALL)


@pytest.mark.parametrize("leave", [close, delete])
def test_no_more_than_a_share_of_an_organization_is_closed(
    scim: Scim, client: Client, leave: Any
) -> None:
    users = people(client, 10)
    answers = [leave(client, each) for each in users]
    assert [True] * 3 + [False] * 7 == [answer.is_success for answer in answers]
    detail = assert_error(answers[3], 503)
    assert int(answers[3].headers["retry-after"]) > 0
    assert "3 of 10 accounts" in detail
    assert "30 %" in detail
    assert "mistake" in detail
    assert "release it on the product's Directory sync page" in detail
    assert ("this deletion" if leave is delete else "this deactivation") in detail
    assert 7 == held(scim)
    assert 7 == sum(account.active for account in scim.product.accounts.values())
    rows = [(row.action, row.status) for row in scim.log()][-7:]
    assert [("held", 503)] * 7 == rows


@pytest.mark.parametrize("leave", [close, delete])
def test_what_is_held_stays_exactly_as_it_was(scim: Scim, client: Client, leave: Any) -> None:
    users = people(client, 4)
    for each in users[:2]:
        assert leave(client, each).is_success
    before = client.get(f"/Users/{users[2]}")
    calls = len(scim.product.calls)
    assert_error(leave(client, users[2]), 503)
    after = client.get(f"/Users/{users[2]}")
    assert before.json() == after.json()
    assert before.headers["etag"] == after.headers["etag"]
    assert calls == len(scim.product.calls)
    title = {"op": "add", "path": "title", "value": "T"}
    assert 200 == client.patch(f"/Users/{users[2]}", title).status_code


def test_creating_changing_and_opening_are_never_held(scim: Scim, client: Client) -> None:
    users = people(client, 4)
    for each in users[:2]:
        close(client, each)
    assert_error(close(client, users[2]), 503)
    client.create_user("new@acme.test")
    client.create_user("closed@acme.test", active=False)
    assert 200 == close(client, users[0], active=True).status_code
    name = {"op": "replace", "path": "name.familyName", "value": "New"}
    assert 200 == client.patch(f"/Users/{users[2]}", name).status_code
    assert "New" == scim.product.account("u2@acme.test").last_name
    assert 200 == close(client, users[1]).status_code


def test_closings_stay_held_until_they_are_released(scim: Scim, client: Client) -> None:
    users = people(client, 6)
    answers = [close(client, each).status_code for each in users]
    assert [200] * 2 + [503] * 4 == answers
    assert 200 == close(client, users[0], active=True).status_code
    assert_error(close(client, users[5]), 503)
    assert 4 == release(scim)
    assert 0 == held(scim)
    assert [200] * 4 == [close(client, each).status_code for each in users[2:]]
    assert 0 == release(scim)


@pytest.mark.parametrize("leave", [close, delete])
@pytest.mark.parametrize("take_back", [lambda client, user: close(client, user, active=True), put])
def test_what_the_directory_takes_back_is_held_no_more(
    scim: Scim, client: Client, leave: Any, take_back: Any
) -> None:
    users = people(client, 6)
    assert [True] * 2 + [False] * 4 == [leave(client, each).is_success for each in users]
    for each in users[2:5]:
        assert 200 == take_back(client, each).status_code
    assert 1 == held(scim)
    assert 200 == take_back(client, users[5]).status_code
    assert 0 == held(scim)


def test_the_guard_lets_go_by_itself_once_nothing_is_held_and_not_too_many_are_closed(
    scim: Scim, client: Client
) -> None:
    users = people(client, 6)
    assert [200] * 2 + [503] * 4 == [close(client, each).status_code for each in users]
    assert 200 == close(client, users[0], active=True).status_code
    assert_error(close(client, users[2]), 503)
    for each in users[2:]:
        assert 200 == close(client, each, active=True).status_code
    assert [200, 503] == [close(client, each).status_code for each in users[2:4]]


def test_what_is_held_is_taken_back_by_nothing_but_saying_that_the_user_is_active(
    scim: Scim, client: Client
) -> None:
    users = people(client, 3)
    assert [200, 200, 503] == [close(client, each).status_code for each in users]
    title = {"op": "add", "path": "title", "value": "T"}
    assert 200 == client.patch(f"/Users/{users[2]}", title).status_code
    assert 200 == put(client, users[2], active=None).status_code
    client.create_group("any", users[2])
    scim.set_mapping({"title": "public_metadata.title"})
    until(lambda: scim.product.account("u2@acme.test").public_metadata == {"title": "T"})
    assert {"deactivation": 1} == kinds(scim)


def test_what_is_held_is_counted_by_what_it_is(scim: Scim, client: Client) -> None:
    users = people(client, 6)
    assert [200] * 2 + [503] * 2 == [close(client, each).status_code for each in users[:4]]
    assert [503] * 2 == [delete(client, each).status_code for each in users[3:5]]
    scim.set_mapping(BLOCKED)
    client.create_group("blocked", users[5])
    until(lambda: kinds(scim) == {"deactivation": 1, "deletion": 2, "mapping": 1})
    assert 4 == release(scim)
    assert {} == kinds(scim)


def test_one_warning_says_that_the_guard_begins_to_hold(
    scim: Scim, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    users = people(client, 10)
    for each in users:
        close(client, each)
    (warning,) = warnings(caplog)
    assert "organization acme: 3 of 10 accounts were deactivated or deleted within 10" in warning
    assert "scim-asgi release acme" in warning
    assert_error(close(client, users[4]), 503)
    assert 1 == len(warnings(caplog))
    release(scim)
    for each in [*users[3:], *people(scim.client("globex"), 1)]:
        close(client, each)
    more = [client.create_user(f"more{number}@acme.test")["id"] for number in range(4)]
    assert 503 == [close(client, each).status_code for each in more][-1]
    assert 2 == len(warnings(caplog))


def test_one_warning_says_so_of_the_background_too(
    scim: Scim, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    scim.set_mapping(BLOCKED)
    client.create_group("blocked", *people(client, 10))
    until(lambda: held(scim) == 7)
    assert 1 == len(warnings(caplog))


def test_what_passes_while_the_guard_is_off_is_held_no_more(serve: Served) -> None:
    guarded = serve(guard=SMALL)
    client = guarded.client()
    users = people(client, 3)
    assert [200, 200, 503] == [close(client, each).status_code for each in users]
    free = serve(guard=None).client()
    assert 204 == delete(free, users[2]).status_code
    assert 0 == held(guarded)


def test_a_release_counts_anew(scim: Scim, client: Client) -> None:
    users = people(client, 12)
    assert [200] * 3 + [503] == [close(client, each).status_code for each in users[:4]]
    release(scim)
    assert 200 == close(client, users[3]).status_code
    assert_error(close(client, users[4]), 503)
    assert 1 == held(scim)


def test_what_was_released_does_not_count(scim: Scim, client: Client) -> None:
    users = people(client, 6)
    assert [200] * 2 + [503] * 4 == [close(client, each).status_code for each in users]
    release(scim)
    assert [200] * 4 == [close(client, each).status_code for each in users[2:]]
    close(client, users[0], active=True)
    others = [client.create_user(f"other{number}@acme.test")["id"] for number in range(2)]
    assert [200, 503] == [close(client, each).status_code for each in others]


def test_a_release_does_not_last(scim: Scim, client: Client) -> None:
    users = people(client, 6)
    assert [200] * 2 + [503] * 4 == [close(client, each).status_code for each in users]
    release(scim)
    with scim.file() as file:
        file.execute("UPDATE accounts SET released_until = 1 WHERE released_until > 0")
        file.execute("UPDATE accounts SET closed_at = 1 WHERE closed_at > 0")
    assert [200, 200, 503, 503] == [close(client, each).status_code for each in users[2:]]


def test_closing_and_then_deleting_the_same_people_counts_them_once(
    scim: Scim, client: Client
) -> None:
    users = people(client, 10)
    for each in users[:3]:
        assert 200 == close(client, each).status_code
    for each in users[:3]:
        assert 204 == delete(client, each).status_code
    assert_error(close(client, users[3]), 503)


def test_deleting_people_who_are_closed_is_held_too(serve: Served) -> None:
    scim = serve(guard=SMALL)
    client = scim.client()
    users = [client.create_user(f"u{number}@acme.test", active=False)["id"] for number in range(10)]
    answers = [delete(client, each).status_code for each in users]
    assert [204] * 3 + [503] * 7 == answers


def test_another_organization_is_not_held(scim: Scim, client: Client) -> None:
    for each in people(client, 4):
        close(client, each)
    assert held(scim)
    other = scim.client("globex")
    users = people(other, 2)
    assert 200 == close(other, users[0]).status_code
    assert 0 == release(scim, "globex")
    assert held(scim)


def test_a_refused_closing_does_not_count(scim: Scim, client: Client) -> None:
    users = people(client, 4)
    scim.product.behaviour = raising(AccountRejected("no"))
    for each in users:
        assert_error(close(client, each), 400, "invalidValue")
    scim.product.behaviour = None
    assert [200, 200, 503, 503] == [close(client, each).status_code for each in users]


def test_the_window_passes(serve: Served) -> None:
    scim = serve(guard=Guard(share=0.1, minimum=1, seconds=0.3))
    client = scim.client()
    users = people(client, 3)
    assert 200 == close(client, users[0]).status_code
    over = now() + 300
    until(lambda: now() > over)
    assert 200 == close(client, users[1]).status_code


def test_without_a_guard_everybody_may_leave(serve: Served) -> None:
    client = serve(guard=None).client()
    users = people(client, 25)
    assert {204} == {delete(client, each).status_code for each in users}


def test_twenty_may_leave_by_default_and_three_of_ten(serve: Served) -> None:
    scim = serve()
    client = scim.client()
    answers = [delete(client, each).status_code for each in people(client, 22)]
    assert [204] * 20 + [503] * 2 == answers


def test_a_restart_and_another_process_see_the_same(serve: Served) -> None:
    first = serve(guard=SMALL)
    client = first.client()
    users = people(client, 4)
    close(client, users[0])
    close(client, users[1])
    second = serve(guard=SMALL).client()
    assert_error(close(second, users[2]), 503)
    release(first)
    assert 200 == close(second, users[2]).status_code


def test_each_operation_of_a_bulk_request_is_held(scim: Scim, client: Client) -> None:
    users = people(client, 5)
    operations = [{"method": "DELETE", "path": f"/Users/{each}"} for each in users]
    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": operations,
    }
    answer = client.post("/Bulk", body).json()
    assert ["204"] * 2 + ["503"] * 3 == [each["status"] for each in answer["Operations"]]
    assert 3 == held(scim)


BLOCKED = {"active": "", "groups[0].displayName": "{{ value | replace: 'blocked','false' }}.active"}


def open_accounts(scim: Scim) -> int:
    return sum(account.active for account in scim.product.accounts.values())


def test_what_groups_close_in_the_background_is_held_and_released(
    scim: Scim, client: Client
) -> None:
    scim.set_mapping(BLOCKED)
    users = people(client, 10)
    client.create_group("blocked", *users)
    until(lambda: open_accounts(scim) == 7 and held(scim) == 7)
    assert [("held", 0)] * 7 == [
        (row.action, row.status) for row in scim.log() if row.action == "held"
    ]
    name = {"op": "replace", "path": "name.familyName", "value": "New"}
    for each in users:
        assert 200 == client.patch(f"/Users/{each}", name).status_code
    assert 7 == open_accounts(scim)
    assert {"New"} == {account.last_name for account in scim.product.accounts.values()}
    assert 7 == release(scim)
    until(lambda: open_accounts(scim) == 0)


def test_what_a_mapping_closes_in_the_background_is_held(scim: Scim, client: Client) -> None:
    for number in range(10):
        client.create_user(f"u{number}@acme.test", userType="false")
    scim.set_mapping({"active": "", "userType": "active"})
    until(lambda: held(scim) == 7 and open_accounts(scim) == 7)


def test_a_held_mapping_that_is_put_right_closes_nobody(scim: Scim, client: Client) -> None:
    scim.set_mapping(BLOCKED)
    users = people(client, 10)
    group = client.create_group("blocked", *users)["id"]
    until(lambda: held(scim) == 7)
    client.send("DELETE", f"/Groups/{group}")
    until(lambda: open_accounts(scim) == 10 and held(scim) == 0)
    assert "deactivate" not in scim.product.changes[-3:]


@pytest.mark.parametrize(
    "guard",
    ["x", Guard(share=2), Guard(minimum=-1), Guard(seconds=0), Guard(seconds=float("inf"))],
)
def test_a_guard_that_cannot_be_meant_is_refused(guard: Any) -> None:
    with pytest.raises(ValueError, match="guard"):
        ScimApp("sqlite:///:memory:", guard=guard)
