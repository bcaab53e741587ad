"""The same journeys by plain forms, in a browser without JavaScript."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.page.conftest import come
from tests.page.hosts import Host
from tests.page.skipped import find_out_why_somebody_was_skipped
from tests.page.visitors import Visitor, shown_token
from tests.waiting import until


@pytest.fixture
def host(guarded: Host) -> Host:
    return guarded


@pytest.fixture
def visit(browser: Browser, host: Host, visitors: list[Visitor]) -> Visitor:
    return come(browser, host, visitors, java_script_enabled=False)


def test_a_directory_is_connected(host: Host, visit: Visitor) -> None:
    page = visit.go("setup/entra")
    visit.button("Issue token").click()
    token = shown_token(page)
    assert not page.get_by_role("button", name="Copy").is_visible()
    host.entra(token, users=1, groups=0, cycles=1)
    page = visit.go("setup/entra")
    visit.sees("It works.")
    visit.sees("1 person has arrived.")
    assert token not in page.content()


def test_attributes_and_roles_are_mapped(host: Host, visit: Visitor) -> None:
    entra, _ = host.entra(host.connected().token, users=5, groups=1, cycles=1)
    team = next(iter(entra.company.teams.values()))
    visit.go("mapping")
    visit.field("SCIM path").fill("displayName")
    visit.field("Account field").fill("public_metadata.name")
    visit.button("Preview").last.click()
    visit.sees("public_metadata.name")
    visit.button("Save").click()
    visit.sees("The attribute mapping is saved.")
    visit.go("roles")
    visit.field("1. Whoever is in").fill(team.name)
    visit.field("gets the role").select_option("org:admin")
    visit.field("Everybody else gets").select_option("org:guest")
    visit.button("Save").click()
    visit.sees("The role rules are saved.")
    until(
        lambda: all(
            each.organization_role and each.public_metadata.get("name")
            for each in host.product.accounts.values()
        )
    )


def test_it_can_be_found_out_why_somebody_was_skipped(host: Host, visit: Visitor) -> None:
    find_out_why_somebody_was_skipped(host, visit)


def test_the_set_up_follows_while_people_arrive(host: Host, visit: Visitor) -> None:
    page = visit.go("setup/entra")
    refresh = page.locator('meta[http-equiv="refresh"]')
    # Nothing is loaded anew while there is nothing to wait for, or something that would go.
    expect(refresh).to_have_count(0)
    visit.button("Issue token").click()
    token = shown_token(page)
    expect(refresh).to_have_count(0)
    page.reload()
    visit.sees("This token was shown already")
    expect(refresh).to_have_count(0)
    said = visit.hurry("setup/entra", 1000)
    visit.go("setup/entra")
    visit.sees("Waiting for the test call.")
    directory = host.directory(token)
    directory.create_user("p1@acme.example")
    visit.sees("1 person has arrived.")
    directory.create_user("p2@acme.example")
    visit.sees("2 people have arrived.")
    assert {15_000, 60_000} <= said


def test_a_token_is_revoked_after_a_question(host: Host, visit: Visitor) -> None:
    old = host.connected()
    visit.go("tokens")
    visit.link("Revoke Entra ID").click()
    visit.sees("Revoke “Entra ID”?")
    visit.button("Revoke this token").click()
    visit.sees("The token is revoked.")
    assert 401 == old.get("/Users").status_code


def test_held_deactivations_are_released(host: Host, visit: Visitor) -> None:
    directory = host.connected()
    people = [directory.create_user(f"p{number}@acme.example") for number in range(4)]
    off = {"op": "replace", "path": "active", "value": False}
    for each in people[:3]:
        directory.patch(f"/Users/{each['id']}", off)
    visit.go("held")
    visit.link("Release all 2…").click()
    visit.button("Release them").click()
    visit.sees("Nothing is held.")
    answers = [directory.patch(f"/Users/{each['id']}", off).status_code for each in people[1:3]]
    assert [200, 200] == answers
