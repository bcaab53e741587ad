"""The page as it is sent: headers, origins, who may come in, and under which address."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Mount

from scim_asgi import ScimApp
from scim_asgi.admin import Actor
from tests.page.hosts import Host, Hosts
from tests.page.visitors import TOKEN
from tests.servers import serving
from tests.waiting import until

FORM = {"name": "Entra ID"}


def test_every_answer_says_what_browsers_may_do_with_it(host: Host) -> None:
    http = host.http()
    for path in ("", "setup/okta", "tokens", "nowhere"):
        headers = http.get(path).headers
        assert "no-store" == headers["cache-control"]
        assert "nosniff" == headers["x-content-type-options"]
        policy = headers["content-security-policy"]
        for part in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'self'"):
            assert part in policy
        assert "unsafe" not in policy
    assert "no-store" == host.submit(http, "tokens", FORM).headers["cache-control"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_another_site_changes_nothing(host: Host, headers: dict[str, str]) -> None:
    http = host.http()
    for path in ("tokens", "setup/entra", "mapping", "roles", "held/release"):
        answer = http.post(path, data={**FORM, "intent": "save"}, headers=headers)
        assert 403 == answer.status_code, path
        assert "from another site" in answer.text
    assert 0 == http.get("../scim/tokens").json()["total_count"]


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_the_page_itself_changes_things(host: Host, site: str) -> None:
    headers = {"Sec-Fetch-Site": site}
    assert 200 == host.submit(host.http(), "tokens", FORM, headers).status_code


def test_an_older_browser_is_known_by_its_origin(hosts: Hosts) -> None:
    host = hosts(base_url="https://acme.example/scim/v2")
    for origin in (host.url, "https://acme.example"):
        answer = host.submit(host.http(), "tokens", FORM, {"Origin": origin})
        assert 200 == answer.status_code


def test_who_may_only_look_changes_nothing(host: Host) -> None:
    http = host.http(cookies={"who": "reader"})
    assert 200 == http.get("tokens").status_code
    answer = host.submit(http, "tokens", FORM)
    assert 403 == answer.status_code
    assert "may not change" in answer.text
    stranger = host.http(cookies={"who": "stranger"})
    assert 403 == stranger.get("").status_code
    assert 404 == httpx.get(host.page_url.replace("acme", "other")).status_code


def test_a_token_of_another_organization_is_not_there(host: Host) -> None:
    http = host.http()
    other = http.post("../../beta/scim/tokens", json=FORM).json()
    assert 404 == http.get(f"tokens/{other['id']}/revoke").status_code
    assert 404 == http.post(f"tokens/{other['id']}/revoke").status_code
    assert 200 == host.directory(other["token"]).get("/Users").status_code


def test_a_token_is_issued_with_its_lifetime_and_shown_once(host: Host) -> None:
    http = host.http()
    page = host.submit(http, "tokens", {**FORM, "days": "90"})
    assert 1 == len(TOKEN.findall(page.text))
    assert not TOKEN.search(http.get("tokens").text)
    token = http.get("../scim/tokens").json()["data"][0]
    assert 90 * 86_400_000 == pytest.approx(token["expires_at"] - token["created_at"], abs=5000)
    audit = http.get("../scim/log?action=token-issued").json()["data"][0]
    assert ("Ada", "page") == (audit["actor"], audit["surface"])


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"name": ""}, "1 to 100 characters"),
        ({"name": "x" * 101}, "1 to 100 characters"),
        ({"name": "x", "days": "7"}, "Choose one of the lifetimes."),
    ],
)
def test_what_is_wrong_with_a_token_is_said(host: Host, form: dict[str, str], said: str) -> None:
    answer = host.submit(host.http(), "tokens", form)
    assert 422 == answer.status_code
    assert said in answer.text
    assert not TOKEN.search(answer.text)


def test_a_token_that_lives_as_long_as_one_may_is_shown(host: Host) -> None:
    api = host.http()
    last = 253_402_300_799_999
    wanted = {"name": "long", "expires_at": last}
    assert 201 == api.post("../scim/tokens", json=wanted).status_code
    assert 422 == api.post("../scim/tokens", json={**wanted, "expires_at": last + 1}).status_code
    assert "31 Dec 9999" in api.get("tokens").text


def test_names_are_text_and_no_markup(host: Host) -> None:
    evil = '"><script>alert(1)</script>'
    http = host.http()
    directory = host.connected()
    person = directory.create_user("ada@acme.example", displayName=evil)
    directory.create_group(evil, person["id"])
    host.submit(http, "tokens", {"name": evil})
    host.submit(http, "mapping", {"path": evil, "field": evil, "intent": "save"})
    for path in (
        "",
        "tokens",
        "users",
        f"users/{person['id']}",
        "roles",
        "log",
        f"log?user={evil}",
    ):
        text = http.get(path).text
        assert "<script>alert" not in text, path
    assert "<script>alert" not in http.post("mapping", data={"path": evil, "field": evil}).text


def test_the_role_that_a_group_gives_is_beside_it_whatever_letters_its_name_has(
    host: Host,
) -> None:
    http = host.http()
    host.connected().create_group("Straße 1")
    form = {"group": "STRASSE 1", "role": "org:admin", "intent": "save"}
    host.submit(http, "roles", form)
    row = http.get("roles").text.partition(">Straße 1</th>")[2].partition("</tr>")[0]
    assert "org:admin" in row


@pytest.mark.parametrize("tail", ["/", "/tokens/", "/setup/okta"])
def test_links_are_right_however_the_address_is_written(host: Host, tail: str) -> None:
    with httpx.Client() as http:
        page = http.get(f"{host.page_url}{tail}")
        assert 200 == page.status_code
        link = page.text.split('rel="stylesheet" href="')[1].split('"')[0]
        assert 200 == http.get(page.url.join(link)).status_code


def test_an_organization_may_have_any_name(host: Host) -> None:
    with httpx.Client() as http:
        for name in ("directory-sync", "new%20%26%20%3Cb%3E"):
            url = f"{host.url}/admin/v1/organizations/{name}/directory-sync/setup"
            page = http.get(url)
            assert 200 == page.status_code
            link = page.text.split('<li><a href="')[1].split('"')[0]
            assert 200 == http.get(page.url.join(link)).status_code


def test_a_token_in_a_resource_or_a_form_is_shown_nowhere(host: Host) -> None:
    directory, http = host.connected(), host.http()
    token = directory.token
    user = directory.create_user("ada@acme.test", title=token, displayName=token)["id"]
    directory.create_group(token, user)
    directory.patch(f"/Users/{user}", {"op": "replace", "path": "title", "value": f"x{token}"})
    rows = [row["number"] for row in http.get("../scim/log").json()["data"]]
    found = [http.get(path).text for path in ("", "users", f"users/{user}", "roles", "log")]
    found += [http.get(f"log/{number}").text for number in rows]
    found += [http.get(path, params={"search": token}).text for path in ("users", "roles")]
    found += [http.get("log", params={"user": token}).text]
    forms = ({"path": token, "field": token}, {"path": "title", "field": "x", "expression": token})
    found += [http.post("mapping", data={**form, "intent": "save"}).text for form in forms]
    for name in ("x" * 40 + token, token):
        found.append(http.post("tokens", data={"name": name, "days": "90"}).text)
    for text in found:
        assert not TOKEN.search(text)
        assert token[5:30] not in text
    assert "scim_…" in found[2]


def test_the_overview_says_that_the_directory_uses_a_revoked_token(host: Host) -> None:
    directory, http = host.connected(), host.http()
    directory.get("/Users")
    (token,) = http.get("../scim/tokens").json()["data"]
    http.post(f"tokens/{token['id']}/revoke")
    assert 401 == directory.get("/Users").status_code
    until(lambda: "Failing" in http.get("").text)
    text = http.get("").text
    assert "The directory still uses the token &#34;Entra ID&#34;" in text
    assert "give it a new one" in text
    assert "There is nothing to do" not in text
    assert "sent again just now" in http.get("tokens").text
    assert "Issue a new token</a>" in text
    (row,) = http.get("../scim/log?action=refused").json()["data"]
    assert "uses a token that was revoked on" in http.get(f"log/{row['number']}").text


def test_a_row_says_what_changed_in_the_directory(host: Host) -> None:
    directory, http = host.connected(), host.http()
    ids = [directory.create_user(f"u{number}@acme.test", title="Old")["id"] for number in range(23)]
    directory.patch(f"/Users/{ids[0]}", {"op": "replace", "path": "title", "value": "New"})
    group = directory.create_group("Engines", *ids)["id"]
    directory.patch(f"/Groups/{group}", {"op": "replace", "path": "displayName", "value": "Wheels"})
    rows = http.get("../scim/log").json()["data"]
    renamed, made, changed = (http.get(f"log/{row['number']}").text for row in rows[:3])
    for text in ("What changed in the directory", "title", "Old", "New"):
        assert text in changed
    assert "Changed in the directory alone: title." in changed
    assert "Members who came: 23" in made
    assert "and 3 more" in made
    named = rows[1]["members"]["added"][0]
    assert f"u{ids.index(named)}@acme.test <code>{named}</code>" in made
    for text in ("The group was changed: displayName.", "Engines", "Wheels"):
        assert text in renamed


def test_a_screen_that_is_not_there_is_404_and_a_wrong_method_405(host: Host) -> None:
    http = host.http()
    for path in (
        "nowhere",
        "setup/nowhere",
        "log/0",
        "log/x",
        "log/99999",
        "users/nobody",
        "tokens/none/revoke",
        "mapping/history/9",
        "static/nothing.css",
    ):
        assert 404 == http.get(path).status_code, path
    answer = http.post("users", data={})
    assert (405, "GET") == (answer.status_code, answer.headers["allow"])
    assert 415 == http.post("tokens", json=FORM).status_code
    assert 413 == http.post("tokens", data={"name": "x" * 2**21}).status_code
    head = http.head("tokens")
    assert (200, "") == (head.status_code, head.text)


@pytest.mark.parametrize("intent", ["remove:7", "remove:x", f"remove:{'9' * 5000}", "up:7", "up:"])
def test_a_button_about_a_row_that_is_not_there_changes_nothing(host: Host, intent: str) -> None:
    http = host.http()
    rule = {"group": "Engines", "role": "org:admin", "intent": intent}
    row = {"path": "title", "field": "public_metadata.title", "intent": intent}
    for screen, form in (("roles", rule), ("mapping", row)):
        answer = http.post(screen, data=form)
        assert 200 == answer.status_code
        assert (rule["group"] if screen == "roles" else row["field"]) in answer.text


def test_the_last_day_that_there_is_can_be_asked_for(host: Host) -> None:
    assert 200 == host.http().get("log?from=0001-01-02&to=9999-12-31").status_code


def test_style_and_script_are_kept_and_asked_for_again(host: Host) -> None:
    http = host.http()
    for name in ("page.css", "page.js", "theme.css", "icon.svg"):
        first = http.get(f"static/{name}")
        assert 200 == first.status_code
        again = http.get(f"static/{name}", headers={"If-None-Match": first.headers["etag"]})
        assert (304, b"") == (again.status_code, again.content)
    assert len(http.get("static/page.js").content) < 6_000


def test_a_theme_sets_custom_properties_and_nothing_else(hosts: Hosts, tmp_path: Path) -> None:
    host = hosts(theme={"accent": "light-dark(#0a7a5c, #6fd6b5)"})
    css = host.http().get("static/theme.css").text
    assert ":root {\n  --accent: light-dark(#0a7a5c, #6fd6b5);\n}\n" == css
    for theme in ({"colour": "red"}, {"accent": "red; } body { display: none"}):
        with pytest.raises(ValueError, match="theme"):
            hosts(theme=theme)


def test_a_host_may_send_people_to_its_login(tmp_path: Path) -> None:
    async def authorize(request: Request, organization_id: str) -> Actor | None:
        raise HTTPException(303, headers={"Location": "/login"})

    app: ScimApp = ScimApp(str(tmp_path / "scim.db"))
    routes = [Mount("/admin", app=app.admin(authorize=authorize))]
    with serving(Starlette(routes=routes, lifespan=app.lifespan)) as url:
        answer = httpx.get(f"{url}/admin/organizations/acme/directory-sync")
    assert (303, "/login") == (answer.status_code, answer.headers["location"])


def test_without_the_extra_the_api_works_and_the_page_says_what_to_install() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT], text=True, capture_output=True, check=False
    )
    assert 0 == done.returncode, done.stderr
    assert "501 pip install 'scim-asgi[page]'\n200\n" == done.stdout


_WITHOUT = """
import asyncio, importlib.util, sys
import httpx
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "jinja2" else find(name, *rest)
from scim_asgi import ScimApp
from scim_asgi.admin import SecretKey

async def main():
    app = ScimApp(":memory:")
    admin = app.admin(authorize=SecretKey("key"))
    assert "jinja2" not in sys.modules
    transport = httpx.ASGITransport(admin)
    headers = {"Authorization": "Bearer key"}
    async with app.lifespan(), httpx.AsyncClient(
        transport=transport, base_url="http://test/organizations/acme", headers=headers
    ) as http:
        page = await http.get("/directory-sync")
        print(page.status_code, page.json()["errors"][0]["message"].partition("missing: ")[2])
        print((await http.get("/scim/tokens")).status_code)

asyncio.run(main())
"""
