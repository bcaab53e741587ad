"""Every screen in every state: axe finds nothing, no policy is violated, 320 px are enough."""

from __future__ import annotations

from collections.abc import Iterator

from playwright.sync_api import Browser, Route, expect

from tests.client import USER, Client
from tests.page.conftest import come
from tests.page.hosts import Host
from tests.page.visitors import Visitor

EMPTY = (
    "",
    "setup",
    "setup/entra",
    "tokens",
    "mapping",
    "mapping/history",
    "roles",
    "roles/history",
    "users",
    "log",
    "held",
    "nowhere",
)
ALWAYS_THE_SAME = ("setup", "nowhere")
"""Screens that show the same whether or not anything is there."""


def filled(host: Host) -> Client:
    """Let much of what can be shown be there."""
    directory = host.connected()
    long = "a" * 60
    ids = [
        directory.create_user(f"p{number}.{long}@acme.example", title="Ärztin")["id"]
        for number in range(6)
    ]
    directory.create_group("A group whose name has no end " + "x" * 80, *ids)
    directory.post("/Users", {"schemas": [USER], "userName": f"nobody-{long}"})
    directory.patch(f"/Users/{ids[5]}", {"op": "replace", "path": "title", "value": "x" * 90})
    off = {"op": "replace", "path": "active", "value": False}
    for each in ids[:3]:
        directory.patch(f"/Users/{each}", off)
    http = host.http()
    host.submit(http, "tokens", {"name": "Ends soon " + "y" * 80, "days": "90"})
    gone = http.get("../scim/tokens").json()["data"][0]["id"]
    http.post(f"tokens/{gone}/revoke")
    for field in ("public_metadata.title", "public_metadata.other"):
        host.submit(http, "mapping", {"path": "title", "field": field, "intent": "save"})
    rules = {"group": "acme-admins", "role": "org:admin", "default": "org:guest"}
    host.submit(http, "roles", {**rules, "intent": "save"})
    return directory


def screens(host: Host) -> Iterator[str]:
    """Yield every screen that is filled, those of one row, user or question too."""
    yield from (path for path in EMPTY if path not in ALWAYS_THE_SAME)
    http = host.http()
    rows = {
        row["action"]: row["number"] for row in http.get("../scim/log?limit=500").json()["data"]
    }
    yield from (
        f"log/{rows[action]}" for action in ("created", "updated", "skipped", "roles-changed")
    )
    yield "log?user=nobody-at-all"
    yield "users?search=nobody-at-all"
    users = http.get("../scim/users").json()["data"]
    yield from (f"users/{users[number]['id']}" for number in (0, -1))
    tokens = http.get("../scim/tokens").json()["data"]
    live = next(each["id"] for each in tokens if each["revoked_at"] is None)
    yield f"tokens/{live}/revoke"
    yield "mapping/history/1"
    yield "roles/history/1"
    yield "held/release"


def test_every_filled_screen_is_in_order(
    browser: Browser, guarded: Host, visitors: list[Visitor]
) -> None:
    host = guarded
    filled(host)
    visit = come(browser, host, visitors)
    for path in screens(host):
        visit.go(path)
        visit.check()


def test_every_empty_screen_is_in_order(
    browser: Browser, host: Host, visitors: list[Visitor]
) -> None:
    visit = come(browser, host, visitors)
    for path in EMPTY:
        visit.go(path)
        visit.check()


def test_forms_with_errors_questions_and_dry_runs_are_in_order(
    browser: Browser, host: Host, visitors: list[Visitor]
) -> None:
    host.connected().create_user("ada@acme.example", title="Countess")
    visit = come(browser, host, visitors)
    page = visit.go("mapping")
    visit.field("SCIM path").fill("title")
    visit.field("Account field").fill("public_metadata.title")
    visit.button("Try it on everybody first").click()
    visit.sees("Saving this would change 1 of 1 account")
    visit.check()
    visit.field("Expression (optional)").first.fill("{{ value | shout }}")
    visit.button("Save").click()
    visit.sees("The mapping was not saved")
    visit.check()
    visit.go("roles")
    visit.field("1. Whoever is in").fill("acme-admins")
    visit.button("Save").click()
    visit.sees("The rules were not saved")
    visit.check()
    visit.go("tokens")
    visit.link("Revoke Entra ID").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    visit.check()
    visit.go("tokens")
    visit.field("Name").fill("Another")
    visit.button("Issue token").click()
    visit.sees("Copy the token now")
    visit.check()


def test_groups_are_filtered_by_whether_they_have_members(
    browser: Browser, host: Host, visitors: list[Visitor]
) -> None:
    directory = host.connected()
    directory.create_group("Engineering", directory.create_user("ada@acme.example")["id"])
    directory.create_group("Sales")
    visit = come(browser, host, visitors)
    table = visit.go("roles").get_by_role("table")
    expect(table).to_contain_text("Engineering")
    for choice, shown, hidden in (
        ("With members", "Engineering", "Sales"),
        ("Without members", "Sales", "Engineering"),
    ):
        visit.field("Show").select_option(choice)
        visit.button("Search").click()
        expect(table).to_contain_text(shown)
        expect(table).not_to_contain_text(hidden)
        expect(table).to_contain_text("1 shown, of 2 groups")
    visit.check()
    visit.go("roles?members=many")
    expect(table).to_contain_text("2 groups")


def test_while_a_preview_is_worked_out_the_page_says_so(
    browser: Browser, host: Host, visitors: list[Visitor]
) -> None:
    host.connected().create_user("ada@acme.example", title="Countess")
    visit = come(browser, host, visitors)
    page = visit.go("mapping")
    asked: list[Route] = []

    def hold(route: Route) -> None:
        asked.append(route)

    page.route(f"{host.page_url}/mapping", hold)
    region = page.locator("#preview")
    for title, is_answered in (("public_metadata.title", True), ("public_metadata.rank", False)):
        visit.field("SCIM path").fill("title")
        visit.field("Account field").fill(title)
        expect(region).to_have_attribute("aria-busy", "true")
        expect(region).to_contain_text("Working it out …")
        visit.check()
        while asked:
            asked[0].continue_() if is_answered else asked[0].abort()
            del asked[0]
        expect(region).not_to_have_attribute("aria-busy", "true")
        expect(region).not_to_contain_text("Working it out …")
        expect(region).to_contain_text("public_metadata.title")


def test_a_step_that_waits_says_when_its_answer_takes_long(
    browser: Browser, host: Host, visitors: list[Visitor]
) -> None:
    visit = come(browser, host, visitors)
    page = visit.go("setup/entra")
    visit.button("Issue token").click()
    visit.sees("Copy the token now")
    asked: list[Route] = []
    is_slow = True

    def hold(route: Route) -> None:
        asked.append(route) if is_slow else route.continue_()

    page.route(f"{host.page_url}/setup/entra", hold)
    step = page.locator("#step-test")
    expect(step).to_have_attribute("aria-busy", "true")
    expect(step).to_contain_text("Looking again …")
    is_slow = False
    for route in asked:
        route.continue_()
    expect(step).not_to_have_attribute("aria-busy", "true")
    expect(step).not_to_contain_text("Looking again …")


def test_who_may_only_look_sees_everything_and_no_button(
    browser: Browser, guarded: Host, visitors: list[Visitor]
) -> None:
    host = guarded
    filled(host)
    reader = host.http(cookies={"who": "reader"})
    for path in screens(host):
        text = reader.get(path).text
        assert 'method="post"' not in text, path
        assert path == "nowhere" or "Changing something takes an account that may" in text, path
    visit = come(browser, host, visitors, who="reader")
    for path in ("tokens", "mapping", "roles"):
        visit.go(path)
        visit.check()


def test_a_running_remap_is_shown_until_it_is_done(host: Host, visit: Visitor) -> None:
    directory = host.connected()
    for number in range(3):
        directory.create_user(f"p{number}@acme.example", title="Countess")
    page = visit.go("mapping")
    gate = host.gate()
    visit.field("SCIM path").fill("title")
    visit.field("Account field").fill("public_metadata.title")
    visit.button("Save").click()
    visit.sees("Bringing accounts in line with the new attribute mapping")
    visit.sees("the product has yet to confirm")
    visit.check()
    gate.open()
    expect(page.locator("#remap section")).to_have_count(0)
    assert {"Countess"} == {
        each.public_metadata.get("title") for each in host.product.accounts.values()
    }
