"""A form that asks for a token is answered with one, however often it is sent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Browser

from tests.page.conftest import come
from tests.page.hosts import Host, Hosts, hidden
from tests.page.visitors import TOKEN, Visitor, shown_token
from tests.waiting import until

PATHS = ("tokens", "setup/entra")


def live(host: Host) -> int:
    """Return how many tokens there are."""
    return int(host.http().get("../scim/tokens").json()["total_count"])


@pytest.mark.parametrize("path", PATHS)
def test_a_form_that_is_sent_again_issues_nothing(host: Host, path: str) -> None:
    http = host.http()
    form = {**hidden(http.get(path).text), "name": "Entra ID"}
    first = http.post(path, data=form)
    assert (200, 1) == (first.status_code, len(TOKEN.findall(first.text)))
    again = http.post(path, data=form)
    assert (409, []) == (again.status_code, TOKEN.findall(again.text))
    assert "This token was shown already" in again.text
    assert "issue another one" in again.text
    assert first.text.split('id="token">')[1][:11] in again.text
    audit = http.get("../scim/log?action=token-issued").json()["data"]
    assert (1, 1) == (live(host), len(audit))
    # The form of that answer is a new one.
    anew = http.post(path, data={**hidden(again.text), "name": "Entra ID"})
    assert (200, 2) == (anew.status_code, live(host))


def test_of_forms_that_come_at_once_to_several_servers_one_is_answered_with_a_token(
    hosts: Hosts,
) -> None:
    servers = [hosts(), hosts()]
    form = {**hidden(servers[0].http().get("tokens").text), "name": "Entra ID"}
    clients = [each.http() for each in servers for _ in range(4)]
    with ThreadPoolExecutor(len(clients)) as pool:
        answers = list(pool.map(lambda http: http.post("tokens", data=form), clients))
    assert [200] + [409] * 7 == sorted(each.status_code for each in answers)
    assert 1 == sum(len(TOKEN.findall(each.text)) for each in answers)
    assert 1 == live(servers[1])


def test_a_form_that_came_from_nowhere_is_asked_for_anew(host: Host) -> None:
    http = host.http()
    for nonce in ({}, {"nonce": ""}, {"nonce": "x" * 101}):
        answer = http.post("tokens", data={"name": "Entra ID", **nonce})
        assert (422, []) == (answer.status_code, TOKEN.findall(answer.text))
    assert 0 == live(host)


def test_the_same_nonce_of_another_organization_is_another_one(host: Host) -> None:
    http = host.http()
    form = {**hidden(http.get("tokens").text), "name": "Entra ID"}
    for path in ("tokens", "../../beta/directory-sync/tokens"):
        answer = http.post(path, data=form)
        assert (200, 1) == (answer.status_code, len(TOKEN.findall(answer.text))), path


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_a_page_that_is_loaded_again_says_that_the_token_was_shown(
    browser: Browser, host: Host, visitors: list[Visitor], path: str, *, script: bool
) -> None:
    visit = come(browser, host, visitors, java_script_enabled=script)
    page = visit.go(path)
    visit.field("Name").fill("Entra ID")
    visit.button("Issue token").click()
    token = shown_token(page)
    page.reload()
    visit.sees("This token was shown already")
    assert token not in page.content()
    assert 1 == live(host)
    if script:
        visit.check()
    visit.link("revoke this one").click()
    visit.button("Revoke this token").click()
    visit.sees("The token is revoked.")
    assert 401 == host.directory(token).get("/Users").status_code
    visit.field("Name").fill("Entra ID, again")
    visit.button("Issue token").click()
    assert 200 == host.directory(shown_token(page)).get("/Users").status_code


def test_a_double_click_issues_one_token_and_shows_it(host: Host, visit: Visitor) -> None:
    page = visit.go("tokens")
    visit.field("Name").fill("Entra ID")
    visit.button("Issue token").dblclick()
    visit.sees("Copy the token now")
    assert 200 == host.directory(shown_token(page)).get("/Users").status_code
    assert 1 == live(host)


def test_any_token_that_works_and_was_used_makes_the_set_up_go_on(host: Host) -> None:
    http = host.http()
    used = host.connected()
    used.get("/Users?count=1")
    until(lambda: "It works." in http.get("setup/okta").text)
    issued = host.submit(http, "setup/okta", {"name": "The next one"})
    page = http.get("setup/okta").text
    assert "It works." in page
    assert "The newest token, “The next one”, has not been used yet." in page
    # As soon as the only one that was used is gone, there is something to wait for.
    tokens = http.get("../scim/tokens").json()["data"]
    http.post(f"tokens/{tokens[-1]['id']}/revoke")
    assert "Waiting for the test call." in http.get("setup/okta").text
    host.directory(TOKEN.findall(issued.text)[0]).get("/Users?count=1")
    until(lambda: "It works." in http.get("setup/okta").text)
    assert "has not been used yet" not in http.get("setup/okta").text
