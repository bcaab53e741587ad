"""What an admin does on the page, in a real browser, while a simulated Entra provisions."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, expect

from tests.client import ENTERPRISE
from tests.page.conftest import come
from tests.page.hosts import Host
from tests.page.skipped import find_out_why_somebody_was_skipped
from tests.page.visitors import TOKEN, Visitor, shown_token
from tests.waiting import until

SCREENS = (
    "",
    "setup",
    "setup/entra",
    "tokens",
    "mapping",
    "mapping/history",
    "roles",
    "users",
    "log",
)


def assert_nowhere(host: Host, *tokens: str) -> None:
    """Check that no screen, no answer of the API and no export shows a token."""
    http = host.http()
    rows = http.get("../scim/log?limit=500").json()["data"]
    paths = [*SCREENS, "held", *(f"log/{row['number']}" for row in rows)]
    texts = [http.get(path).text for path in paths]
    texts += [
        http.get(f"../scim/{path}").text
        for path in ("tokens", "status", "log?limit=500", "log?format=csv", "log?format=jsonl")
    ]
    for text in texts:
        assert not TOKEN.search(text)
        assert not any(token[12:] in text for token in tokens)


def test_entra_is_connected_from_nothing_to_green_and_the_first_user_arrives(
    host: Host, visit: Visitor
) -> None:
    page = visit.go()
    visit.sees("Not connected")
    visit.link("Set up").last.click()
    page.get_by_role("link", name="Microsoft Entra ID").click()
    visit.sees("There is nothing to wait for before there is a token.")
    visit.button("Issue token").click()
    visit.sees("Copy the token now")
    token = shown_token(page)
    visit.button("Copy the token").click()
    expect(page.locator("#announcer")).to_have_text("Copied the token.")
    row = page.get_by_role("row", name="Tenant URL")
    assert f"{host.scim_url}/?aadOptscim062020" == row.locator("code").inner_text()
    visit.sees("Waiting for the test call.")

    host.entra(token, users=1, groups=0, cycles=0)
    visit.sees("Microsoft Entra ID was here just now: GET /Users, answered 200")
    visit.sees("Waiting for the first person.")
    # What was shown once stays while the steps around it turn green.
    assert token == shown_token(page)

    host.entra(token, users=1, groups=0, cycles=1)
    visit.sees("1 person has arrived.")
    visit.link("See how they came out").click()
    visit.sees("1 user")
    page.get_by_role("row").last.get_by_role("link").click()
    visit.sees("Open")
    visit.sees("emails[primary eq true].value")

    page = visit.go()
    visit.sees("Connected")
    visit.sees("There is nothing to do.")
    assert_nowhere(host, token)


def test_the_set_up_follows_while_people_arrive(host: Host, visit: Visitor) -> None:
    directory = host.connected()
    said = visit.hurry("setup/entra", 100)
    page = visit.go("setup/entra")
    directory.get("/Users?count=1")
    expect(page.locator("#announcer")).to_have_text("The test call has arrived.")
    for number in range(1, 4):
        directory.create_user(f"p{number}@acme.example")
        visit.sees("1 person has arrived." if number == 1 else f"{number} people have arrived.")
        if number == 1:
            expect(page.locator("#announcer")).to_have_text("The first person has arrived.")
    assert {1500, 2000, 3000} <= said
    # What comes later is not announced again and again.
    assert "The first person has arrived." == page.locator("#announcer").inner_text()


def test_a_department_is_mapped_and_reaches_the_accounts(host: Host, visit: Visitor) -> None:
    entra, _ = host.entra(host.connected().token, users=12, groups=0, cycles=1)
    person = next(each for each in entra.company.people.values() if each.department)
    page = visit.go("mapping")
    visit.field("Person").fill(person.login)
    visit.field("SCIM path").fill(f"{ENTERPRISE}.department")
    visit.field("Account field").fill("public_metadata.department")
    # The preview follows while one types.
    preview = page.get_by_role("row", name="public_metadata.department")
    expect(preview).to_contain_text(person.department or "")
    visit.field("Expression (optional)").fill("{{ value | shout }}")
    expect(page.locator("#flaw-expression-0")).to_contain_text("(at character")
    visit.field("Expression (optional)").fill("{{ value | upcase }}")
    expect(preview).to_contain_text((person.department or "").upper())

    visit.button("Try it on everybody first").click()
    with_department = sum(each.department is not None for each in entra.company.people.values())
    visit.sees(f"Saving this would change {with_department} of 12 accounts")
    assert not any(each.public_metadata for each in host.product.accounts.values())
    visit.button("Save").click()
    visit.sees("The attribute mapping is saved.")
    until(
        lambda: any(
            each.public_metadata.get("department") == (person.department or "").upper()
            for each in host.product.accounts.values()
        )
    )

    visit.link("History").click()
    visit.sees("added: {{ value | upcase }}.public_metadata.department")
    visit.sees("Ada")


def test_an_earlier_mapping_is_restored(host: Host, visit: Visitor) -> None:
    page = visit.go("mapping")
    for field in ("public_metadata.a", "public_metadata.b"):
        visit.field("SCIM path").first.fill("title")
        visit.field("Account field").first.fill(field)
        visit.button("Save").click()
        visit.sees("The attribute mapping is saved.")
    visit.link("History").click()
    visit.link("Restore version 1").click()
    dialog = page.get_by_role("dialog", name="Restore version 1?")
    dialog.get_by_role("button", name="Restore").click()
    visit.sees("The earlier version is in force again.")
    expect(visit.field("Account field").first).to_have_value("public_metadata.a")


def test_a_group_gives_a_role(host: Host, visit: Visitor) -> None:
    entra, _ = host.entra(host.connected().token, users=8, groups=2, cycles=1)
    page = visit.go("roles")
    team = next(each for each in entra.company.teams.values() if each.members)
    expect(page.get_by_role("row", name=team.name)).to_contain_text(str(len(team.members)))
    visit.field("1. Whoever is in").fill(team.name)
    visit.field("gets the role").select_option("org:admin")
    visit.button("Add a rule").click()
    visit.field("2. Whoever is in").fill("Nobody at all")
    visit.field("gets the role").nth(1).select_option("org:guest")
    visit.button("Move rule 2 up").click()
    expect(visit.field("1. Whoever is in")).to_have_value("Nobody at all")
    visit.field("Everybody else gets").select_option("org:member")
    visit.button("Try it on everybody first").click()
    visit.sees("Saving this would change 8 of 8 accounts")
    visit.button("Save").click()
    visit.sees("The role rules are saved.")

    def has_roles() -> bool:
        roles = [each.organization_role for each in host.product.accounts.values()]
        return None not in roles and "org:admin" in roles

    until(has_roles)
    page.reload()
    expect(page.get_by_role("row", name=team.name)).to_contain_text("org:admin")


def test_it_can_be_found_out_why_somebody_was_skipped(host: Host, visit: Visitor) -> None:
    find_out_why_somebody_was_skipped(host, visit)


def test_a_token_is_replaced_without_a_gap(host: Host, visit: Visitor) -> None:
    old = host.connected()
    page = visit.go("tokens")
    visit.field("Name").fill("Entra ID, 2027")
    visit.field("Works for").select_option("90 days")
    visit.button("Issue token").click()
    new = host.directory(shown_token(page))
    assert 200 == old.get("/Users").status_code
    assert 200 == new.get("/Users").status_code
    visit.link("Revoke Entra ID").click()
    dialog = page.get_by_role("dialog", name="Revoke “Entra ID”?")
    dialog.get_by_role("link", name="Keep it").click()
    expect(dialog).to_have_count(0)
    expect(visit.link("Revoke Entra ID")).to_be_focused()
    visit.link("Revoke Entra ID").click()
    dialog.get_by_role("button", name="Revoke this token").click()
    visit.sees("The token is revoked.")
    assert 401 == old.get("/Users").status_code
    assert 200 == new.get("/Users").status_code
    visit.go("log")
    visit.sees("Token revoked")
    assert_nowhere(host, old.token, new.token)


def test_held_deactivations_are_looked_at_and_released(
    browser: Browser, guarded: Host, visitors: list[Visitor]
) -> None:
    host = guarded
    directory = host.connected()
    people = [directory.create_user(f"p{number}@acme.example") for number in range(6)]
    off = {"op": "replace", "path": "active", "value": False}
    answers = [directory.patch(f"/Users/{each['id']}", off).status_code for each in people[:4]]
    assert [200, 503, 503, 503] == answers

    visit = come(browser, host, visitors)
    page = visit.go()
    visit.sees("Deactivations are held")
    expect(visit.link("Review what is held")).to_be_visible()
    visit.go("log?outcome=refused")
    page.get_by_role("link", name=re.compile("^Open Held")).first.click()
    visit.sees("If it is meant, release it on the product's Directory sync page")
    visit.link("See what is held now").click()
    visit.sees("3 deactivations were held")
    visit.sees("p3@acme.example")
    visit.link("Release all 3…").click()
    page.get_by_role("dialog").get_by_role("button", name="Release them").click()
    visit.sees("Released.")
    visit.sees("Nothing is held.")
    answers = [directory.patch(f"/Users/{each['id']}", off).status_code for each in people[1:4]]
    assert [200, 200, 200] == answers
    until(lambda: sum(not each.active for each in host.product.accounts.values()) == 4)


def test_the_keyboard_alone_replaces_a_token(host: Host, visit: Visitor) -> None:
    old = host.connected()
    page = visit.go()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # Skip to content
    for name in ("Tokens", "Skip to content"):
        visit.go()
        visit.tab_to(name)
    page.keyboard.press("Enter")
    visit.go()
    visit.tab_to("Tokens")
    page.keyboard.press("Enter")
    visit.sees("1 token in use")
    visit.tab_to("Name")
    page.keyboard.type("By keyboard")
    page.keyboard.press("Enter")
    visit.sees("Copy the token now")
    # Whoever issues a token is led to it.
    expect(page.locator("#issued")).to_be_focused()
    new = host.directory(shown_token(page))
    visit.tab_to("Copy the token")
    page.keyboard.press("Space")
    expect(page.locator("#announcer")).to_have_text("Copied the token.")
    visit.tab_to("Revoke Entra ID")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(visit.link("Revoke Entra ID")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    visit.tab_to("Keep it")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    visit.sees("The token is revoked.")
    assert 401 == old.get("/Users").status_code
    assert 200 == new.get("/Users").status_code


def test_errors_take_the_focus_and_lead_to_their_fields(host: Host, visit: Visitor) -> None:
    page = visit.go("mapping")
    visit.field("SCIM path").fill("title")
    visit.field("Account field").fill("nonsense")
    visit.button("Save").click()
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    summary.get_by_role("link").click()
    expect(visit.field("Account field").first).to_be_focused()
    visit.sees('"nonsense" is no account field')


def test_links_are_right_where_an_address_has_too_many_slashes(host: Host, visit: Visitor) -> None:
    for path in ("/", "/tokens", "//tokens/"):
        page = visit.go(path)
        visit.link("Log").click()
        visit.sees("newest first")
        assert f"{host.page_url}/log" == page.url
