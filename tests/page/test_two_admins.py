"""Two admins at once: nobody saves over what they have not seen, and nothing typed is lost."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.page.conftest import come
from tests.page.hosts import Host, hidden
from tests.page.visitors import Visitor

SCRIPT = pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])


def mapped(host: Host) -> dict[str, str]:
    found: dict[str, str] = host.http().get("../scim/attribute-mappings").json()["mapping"]
    return found


def fill(visit: Visitor, path: str, field: str) -> None:
    visit.field("SCIM path").last.fill(path)
    visit.field("Account field").last.fill(field)


@SCRIPT
def test_a_mapping_is_not_saved_over_a_newer_one_and_what_was_typed_is_kept(
    browser: Browser, host: Host, visitors: list[Visitor], *, script: bool
) -> None:
    ada = come(browser, host, visitors, java_script_enabled=script)
    grace = come(browser, host, visitors, who="grace", java_script_enabled=script)
    for each in (ada, grace):
        each.go("mapping")
    fill(grace, "title", "public_metadata.title")
    grace.button("Save").click()
    grace.sees("The attribute mapping is saved.")

    fill(ada, "nickName", "public_metadata.nick")
    # Other buttons keep the version that the form was made from.
    ada.button("Add a row").click()
    ada.button("Try it on everybody first").click()
    ada.button("Save").click()
    ada.sees("Not saved: somebody saved meanwhile")
    ada.sees("It was made from what was there before anything was saved")
    ada.sees("by Grace: title added: public_metadata.title")
    ada.sees("title removed, was public_metadata.title")
    assert {"title": "public_metadata.title"} == mapped(host)
    expect(ada.field("SCIM path").first).to_have_value("nickName")
    expect(ada.field("Account field").first).to_have_value("public_metadata.nick")
    if script:
        ada.check()
    # Who has seen it may save all the same.
    ada.button("Save").click()
    ada.sees("The attribute mapping is saved.")
    assert {"nickName": "public_metadata.nick"} == mapped(host)

    grace.go("mapping")
    ada.go("mapping")
    fill(ada, "title", "public_metadata.a")
    ada.button("Save").click()
    ada.sees("The attribute mapping is saved.")
    fill(grace, "title", "public_metadata.b")
    grace.button("Save").click()
    grace.sees("It was made from version 2; since then there is:")
    grace.sees("Version 3, saved")
    grace.sees("public_metadata.a became public_metadata.b")
    grace.link("drop it and start from what is in force").click()
    expect(grace.field("Account field").nth(1)).to_have_value("public_metadata.a")


@SCRIPT
def test_role_rules_are_not_saved_over_newer_ones_and_what_was_typed_is_kept(
    browser: Browser, host: Host, visitors: list[Visitor], *, script: bool
) -> None:
    ada = come(browser, host, visitors, java_script_enabled=script)
    grace = come(browser, host, visitors, who="grace", java_script_enabled=script)
    for each, group in ((ada, "Ops"), (grace, "Sales")):
        each.go("roles")
        each.field("1. Whoever is in").fill(group)
        each.field("gets the role").select_option("org:admin")
    grace.button("Save").click()
    grace.sees("The role rules are saved.")
    ada.field("Everybody else gets").select_option("org:guest")
    ada.button("Save").click()
    ada.sees("Not saved: somebody saved meanwhile")
    ada.sees("by Grace: Sales added: org:admin")
    ada.sees("Ops added: org:admin")
    ada.sees("default role added: org:guest")
    expect(ada.field("1. Whoever is in")).to_have_value("Ops")
    expect(ada.field("Everybody else gets")).to_have_value("org:guest")
    if script:
        ada.check()
    ada.button("Save").click()
    ada.sees("The role rules are saved.")
    rules = host.http().get("../scim/role-rules").json()["rules"]
    assert [{"group": "Ops", "role": "org:admin"}] == rules


@SCRIPT
def test_role_rules_are_looked_back_at_and_restored(
    browser: Browser, host: Host, visitors: list[Visitor], *, script: bool
) -> None:
    visit = come(browser, host, visitors, java_script_enabled=script)
    visit.go("roles")
    for role in ("org:admin", "org:member"):
        visit.field("1. Whoever is in").fill("Ops")
        visit.field("gets the role").first.select_option(role)
        visit.button("Save").click()
        visit.sees("The role rules are saved.")
    visit.link("History").click()
    visit.sees("Ops org:admin became org:member")
    visit.sees("Ops added: org:admin")
    visit.sees("Ada")
    if script:
        visit.check()
    visit.link("Restore version 1").click()
    visit.button("Restore").click()
    visit.sees("The earlier version is in force again.")
    expect(visit.field("gets the role").first).to_have_value("org:admin")
    # The audit says what the difference was.
    visit.go("log")
    visit.link("Open Roles changed").first.click()
    visit.sees("role rules, version 3: 1 change")
    visit.sees("Ops org:member became org:admin")


@pytest.mark.parametrize("section", ["mapping", "roles"])
def test_a_version_is_not_restored_over_one_that_nobody_saw(host: Host, section: str) -> None:
    http = host.http()
    forms = {
        "mapping": [{"path": "title", "field": f"public_metadata.{n}"} for n in "abc"],
        "roles": [{"group": n, "role": "org:admin"} for n in "abc"],
    }[section]
    for form in forms[:2]:
        assert 303 == host.submit(http, section, {**form, "intent": "save"}).status_code
    question = http.get(f"{section}/history/1").text
    host.submit(http, section, {**forms[2], "intent": "save"})
    refused = http.post(f"{section}/history/1", data=hidden(question))
    assert 409 == refused.status_code
    assert "is at version 3, saved by Ada on" in refused.text
    # That answer asks again, about what is in force now.
    done = http.post(f"{section}/history/1", data=hidden(refused.text))
    assert 303 == done.status_code
    assert 4 == len(http.get(f"{section}/history").text.split('<th scope="row">')) - 1


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 30, "7"])
def test_a_form_that_says_no_version_saves_over_nothing(host: Host, version: str) -> None:
    http = host.http()
    form = {"path": "title", "field": "public_metadata.a", "intent": "save"}
    assert 303 == host.submit(http, "mapping", form).status_code
    stale = {**form, "field": "public_metadata.b", "version": version}
    assert 409 == http.post("mapping", data=stale).status_code
    assert {"title": "public_metadata.a"} == mapped(host)
    # What is in force already may be sent again, as by a double click.
    assert 303 == http.post("mapping", data={**form, "version": version}).status_code


def test_who_may_only_look_sees_the_history_and_no_button(host: Host) -> None:
    host.submit(host.http(), "roles", {"group": "Ops", "role": "org:admin", "intent": "save"})
    reader = host.http(cookies={"who": "reader"})
    for path in ("roles/history", "roles/history/1"):
        page = reader.get(path)
        assert 200 == page.status_code
        assert "Ops" in page.text
        assert 'method="post"' not in page.text
    assert 403 == reader.post("roles/history/1", data={}).status_code
