"""A proxy breaks one thing; the check that is meant for it finds it, and no other does."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest
from starlette.types import Scope

from scim_asgi.doctor import CHECKS, Level
from tests.doctor.conftest import LOCAL, Site, roots
from tests.doctor.proxy import Breakage, Reply, header, page

SCIM = {"content-type": "application/scim+json"}
KNOWN_AGENTS = ("Okta", "Google", "Apache")


def query(scope: Scope) -> str:
    text: str = scope["query_string"].decode()
    return text


def without_query(scope: Scope, pattern: str) -> Scope:
    return {**scope, "query_string": re.sub(pattern, "", query(scope)).encode()}


def error(status: int, detail: str = "No.") -> Reply:
    reply = Reply(status, dict(SCIM), b"")
    schemas = ["urn:ietf:params:scim:api:messages:2.0:Error"]
    reply.json = {"schemas": schemas, "status": str(status), "detail": detail}
    return reply


def when(condition: Callable[[Scope], bool], reply: Callable[[], Reply]) -> Breakage:
    """Answer in the server's place where a condition holds."""
    return Breakage(instead=lambda scope: reply() if condition(scope) else None)


def redirect(location: str, status: int = 307) -> Callable[[], Reply]:
    return lambda: Reply(status, {"location": location}, b"")


def editing(edit: Callable[[Scope, Any], None]) -> Breakage:
    """Change the JSON of answers in place."""

    def change(scope: Scope, reply: Reply) -> None:
        body = reply.json
        if isinstance(body, dict):
            edit(scope, body)
            reply.json = body

    return Breakage(after=change)


def heading(**headers: str) -> Breakage:
    """Set headers of answers, `_` for `-`."""

    def change(scope: Scope, reply: Reply) -> None:
        reply.headers.update({name.replace("_", "-"): value for name, value in headers.items()})

    return Breakage(after=change)


def each_resource(edit: Callable[[dict[str, Any]], Any]) -> Breakage:
    def change(scope: Scope, body: Any) -> None:
        for resource in (body, *body.get("Resources", [])):
            edit(resource)

    return editing(change)


def lists(edit: Callable[[Scope, Any], None]) -> Breakage:
    return editing(lambda scope, body: edit(scope, body) if "totalResults" in body else None)


def texts_for_numbers(scope: Scope, body: Any) -> None:
    body.update({name: str(value) for name, value in body.items() if isinstance(value, int)})


def drop_resources(scope: Scope, body: Any) -> None:
    del body["Resources"]


def drop_empty_resources(scope: Scope, body: Any) -> None:
    if not body["Resources"]:
        del body["Resources"]


def not_found_when_empty(scope: Scope, reply: Reply) -> None:
    if "filter=" in query(scope) and reply.json and not reply.json.get("totalResults", 1):
        reply.status, reply.body = 404, error(404).body


def other_locations(scope: Scope, reply: Reply) -> None:
    host = header(scope, "host") or ""
    reply.body = reply.body.replace(f"http://{host}".encode(), b"http://internal:8080")


def case_sensitive(scope: Scope, body: Any) -> None:
    if re.search("%22PERSON", query(scope)):
        body.update(totalResults=0, Resources=[], itemsPerPage=0)


def reversed_pages(scope: Scope, body: Any) -> None:
    if "count=" in query(scope):
        body["Resources"].reverse()


def shallow(scope: Scope, body: Any) -> None:
    if "startIndex=7&" in query(scope) and "count=2" in query(scope):
        body["Resources"] = []


def at_most_three(scope: Scope, body: Any) -> None:
    body["Resources"] = body["Resources"][:3]


def missing_max_operations(scope: Scope, body: Any) -> None:
    if "bulk" in body:
        del body["bulk"]["maxOperations"]


def null_title(resource: dict[str, Any]) -> None:
    if "userName" in resource:
        resource["title"] = None


def null_in_schemas(scope: Scope, body: Any) -> None:
    if "Schemas" in scope["path"]:
        body["meta"] = None


def html_refusal(scope: Scope, reply: Reply) -> None:
    if reply.status == 401:
        reply.body = page(401, "Login").body
        reply.headers["content-type"] = "text/html"


def plain_refusal(scope: Scope, reply: Reply) -> None:
    if reply.status == 401:
        reply.body = b'{"error": "unauthorized"}'


def refused_as_403(scope: Scope, reply: Reply) -> None:
    if reply.status == 401:
        reply.status = 403


def html_not_found(scope: Scope, reply: Reply) -> None:
    if reply.status == 404:
        reply.body = page(404, "Nothing here").body


def server_error_for_unknown_ids(scope: Scope, reply: Reply) -> None:
    if reply.status == 404 and "0091928" in scope["path"]:
        reply.status, reply.body = 400, error(400).body


def agent(scope: Scope) -> str:
    return header(scope, "user-agent") or ""


def is_unknown(scope: Scope) -> bool:
    return not agent(scope).startswith(KNOWN_AGENTS)


def is_double(scope: Scope) -> bool:
    return "//" in scope["path"]


def has_flag_alone(scope: Scope) -> bool:
    return re.search(r"aadOptscim062020(&|$)", query(scope)) is not None


def filters_by(name: str) -> Callable[[Scope], bool]:
    return lambda scope: f"filter={name}" in query(scope)


def below(path: str) -> Callable[[Scope], bool]:
    return lambda scope: path in scope["path"]


def accepts(*values: str | None) -> Callable[[Scope], bool]:
    return lambda scope: header(scope, "accept") in values


def blocked() -> Reply:
    return page(403, "Access denied", server="cloudflare")


def date_in(seconds: float) -> Breakage:
    def change(scope: Scope, reply: Reply) -> None:
        reply.headers["date"] = formatdate(time.time() + seconds, usegmt=True)

    return Breakage(after=change)


def with_slash(scope: Scope) -> bool:
    return bool(scope["path"].endswith("/"))


CASES: dict[str, tuple[Breakage, dict[str, str]]] = {
    "redirect to https": (
        when(lambda _: True, redirect("https://acme.test/scim/v2/Users", 308)),
        {"redirect": "failure"},
    ),
    "redirect to a login page": (
        when(lambda _: True, redirect("/login", 302)),
        {"redirect": "failure"},
    ),
    "redirect that takes a slash": (
        when(with_slash, redirect("/scim/v2/Users")),
        {"slashes": "failure"},
    ),
    "a single-page application": (
        when(lambda _: True, lambda: page(200, "Acme")),
        {"html": "failure"},
    ),
    "a firewall": (when(lambda _: True, blocked), {"html": "failure"}),
    "a dead upstream": (
        when(lambda _: True, lambda: page(502, "Bad Gateway", server="nginx")),
        {"html": "failure"},
    ),
    "a server that fails": (
        when(lambda _: True, lambda: error(500)),
        {"server-errors": "failure"},
    ),
    "a list that is refused": (
        when(lambda _: True, lambda: error(400, "tenant unknown")),
        {"base-url": "failure"},
    ),
    "text/plain": (heading(content_type="text/plain"), {"content-type": "failure"}),
    "text/html around JSON": (heading(content_type="text/html"), {"content-type": "failure"}),
    "application/json": (heading(content_type="application/json"), {"content-type": "warning"}),
    "internal locations": (Breakage(after=other_locations), {"locations": "failure"}),
    "a clock an hour ahead": (date_in(3600), {"clock": "failure"}),
    "a clock two minutes behind": (date_in(-120), {"clock": "warning"}),
    "a cache": (heading(age="17"), {"cache": "failure"}),
    "a filter that is passed over": (
        Breakage(before=lambda scope: without_query(scope, "filter=[^&]*")),
        {"filter-ignored": "failure"},
    ),
    "an externalId filter that is passed over": (
        Breakage(before=lambda scope: without_query(scope, "filter=externalId[^&]*")),
        {"filter-ignored": "failure"},
    ),
    "no externalId filter": (
        when(filters_by("externalId"), lambda: error(400)),
        {"filter-attributes": "failure"},
    ),
    "no filter by e-mail address": (
        when(filters_by("emails"), lambda: error(400)),
        {"filter-attributes": "warning"},
    ),
    "no filter at all": (
        when(filters_by(""), lambda: error(501)),
        {"filter-no-match": "failure", "filter-finds": "failure"},
    ),
    "404 for an empty list": (Breakage(after=not_found_when_empty), {"filter-no-match": "failure"}),
    "names in one case only": (lists(case_sensitive), {"filter-finds": "warning"}),
    "numbers as texts": (lists(texts_for_numbers), {"list-numbers": "failure"}),
    "no Resources": (
        lists(drop_resources),
        {
            "list-shape": "failure",
            "page-size": "failure",
            "resource-types": "failure",
            "schemas": "failure",
        },
    ),
    "no empty Resources": (lists(drop_empty_resources), {"list-shape": "warning"}),
    "nulls": (each_resource(null_title), {"nulls": "warning"}),
    "nulls in schemas": (editing(null_in_schemas), {"nulls": "failure"}),
    "users without active": (
        each_resource(lambda each: each.pop("active", None)),
        {"users-complete": "failure"},
    ),
    "some users without active": (
        each_resource(lambda each: "person0" in each.get("userName", "") and each.pop("active")),
        {"users-complete": "warning"},
    ),
    "groups without members": (
        each_resource(lambda each: each.pop("members", None)),
        {"group-members": "failure"},
    ),
    "excludedAttributes that is passed over": (
        Breakage(before=lambda scope: without_query(scope, "excludedAttributes=members&?")),
        {"excluded-members": "failure"},
    ),
    "no User-Agent is blocked": (
        when(lambda scope: not agent(scope), blocked),
        {"user-agent": "failure"},
    ),
    "unknown User-Agents are blocked": (when(is_unknown, blocked), {"user-agent": "failure"}),
    "406 without Accept": (
        when(accepts(None), lambda: error(406)),
        {"accept": "failure"},
    ),
    "406 for application/scim+json": (
        when(accepts("application/scim+json"), lambda: page(406, "Not Acceptable")),
        {"accept": "failure"},
    ),
    "415 for a GET": (
        when(lambda scope: header(scope, "content-type") is not None, lambda: error(415)),
        {"request-type": "failure"},
    ),
    "doubled slashes": (when(is_double, lambda: error(404)), {"slashes": "warning"}),
    "parameters without a value": (
        when(has_flag_alone, lambda: error(400)),
        {"entra-flag": "failure"},
    ),
    "an unstable order": (lists(reversed_pages), {"paging": "failure"}),
    "startIndex that is passed over": (
        Breakage(before=lambda scope: without_query(scope, "startIndex=[0-9]+&?")),
        {"paging": "failure"},
    ),
    "deep pages that are empty": (lists(shallow), {"paging": "failure"}),
    "small pages only": (lists(at_most_three), {"page-size": "failure"}),
    "a login page for a wrong token": (Breakage(after=html_refusal), {"token-refused": "failure"}),
    "a 401 of another kind": (Breakage(after=plain_refusal), {"token-refused": "failure"}),
    "403 for a wrong token": (Breakage(after=refused_as_403), {"token-refused": "failure"}),
    "web pages for 404": (Breakage(after=html_not_found), {"not-found": "failure"}),
    "ids that have to look right": (
        Breakage(after=server_error_for_unknown_ids),
        {"not-found": "failure"},
    ),
    "a config that is not whole": (
        editing(missing_max_operations),
        {"service-provider-config": "failure"},
    ),
    "no single resource types": (
        when(below("/ResourceTypes/"), lambda: error(404)),
        {"resource-types": "failure"},
    ),
    "no schemas": (when(below("/Schemas"), lambda: error(404)), {"schemas": "failure"}),
    "schemas that fail": (
        when(below("/Schemas"), lambda: error(500)),
        {"schemas": "failure", "server-errors": "failure"},
    ),
    "the Authorization header is taken away": (
        Breakage(
            before=lambda scope: {
                **scope,
                "headers": [each for each in scope["headers"] if each[0] != b"authorization"],
            }
        ),
        {"token": "failure"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_one_thing_that_is_broken_is_found_by_its_check_alone(site: Site, name: str) -> None:
    breakage, expected = CASES[name]
    report = site.broken(breakage)
    assert expected == roots(report)
    assert site.token not in repr(report)
    assert {"GET"} == site.proxy.methods


def test_each_check_that_a_proxy_can_break_is_broken_by_one() -> None:
    seen = {check for _, expected in CASES.values() for check in expected}
    elsewhere = {"reach", "tls", "rate-limit", "speed", "encoding", "token-scheme", "ids"}
    by_url = {"url-https", "url-public", "url-underscore", "url-path"}
    connections = {each for each in CHECKS if each.startswith("connection-")}
    assert set(CHECKS) == seen | elsewhere | by_url | connections


def test_a_whole_deployment_has_nothing_wrong(site: Site) -> None:
    report = site.broken(Breakage())
    assert {} == roots(report)
    assert report.complete
    assert not report.failures
    left = {each.id for each in report.findings if each.level is Level.SKIPPED}
    assert {
        "tls",
        "clock",
        "connection-jumpcloud",
        "connection-ping",
        "connection-keycloak",
    } == left
    assert set(CHECKS) == {each.id for each in report.findings}
    assert {"GET"} == site.proxy.methods
    assert report.requests < 100


def test_a_connection_test_that_fails_names_the_cause(site: Site) -> None:
    report = site.broken(when(lambda scope: not agent(scope), blocked))
    causes = {each.id: each.causes for each in report.failures if each.causes}
    assert {"connection-entra": ("user-agent",), "connection-onelogin": ("user-agent",)} == causes


def test_a_single_429_without_whole_seconds_is_found_and_waited_for(site: Site) -> None:
    counted = itertools.count()
    late = formatdate(time.time() + 30, usegmt=True)

    def throttle(scope: Scope) -> Reply | None:
        if next(counted) != 12:
            return None
        reply = error(429)
        reply.headers["retry-after"] = late
        return reply

    report = site.broken(Breakage(instead=throttle))
    assert {"rate-limit": "failure"} == roots(report)
    assert report.complete
    assert late in next(each.seen for each in report.failures)


def test_a_server_that_throttles_for_good_is_left_alone(site: Site) -> None:
    def throttle() -> Reply:
        reply = error(429)
        reply.headers["retry-after"] = "0"
        return reply

    report = site.broken(when(lambda _: True, throttle))
    assert {"rate-limit": "failure"} == roots(report)
    assert not report.complete
    assert 2 == report.requests
    left = [each for each in report.findings if each.id == "connection-okta"]
    assert [(Level.SKIPPED, "It was not sent.")] == [(each.level, each.seen) for each in left]


def test_any_token_that_is_accepted_is_a_failure(site: Site) -> None:
    right = (b"authorization", f"Bearer {site.token}".encode())

    def let_in(scope: Scope) -> Scope:
        others = [each for each in scope["headers"] if each[0] != b"authorization"]
        return {**scope, "headers": [*others, right]}

    assert {"token-refused": "failure"} == roots(site.broken(Breakage(before=let_in)))
    without = site.examined(site.url, None)
    assert "anybody" in next(each.seen for each in without.failures if each.id == "token-refused")


def test_a_server_that_wants_the_token_alone_is_told_about_bearer(site: Site) -> None:
    def only_alone(scope: Scope) -> Scope:
        value = header(scope, "authorization") or ""
        changed = "none" if value.startswith("Bearer ") else f"Bearer {value}"
        others = [each for each in scope["headers"] if each[0] != b"authorization"]
        return {**scope, "headers": [*others, (b"authorization", changed.encode())]}

    assert {"token-scheme": "failure"} == roots(site.broken(Breakage(before=only_alone)))


@pytest.mark.parametrize("shows_others", [False, True])
def test_ids_that_can_be_counted_through_are_found(site: Site, *, shows_others: bool) -> None:
    numbers = {str(100 + number): each for number, each in enumerate(site.user_ids)}

    def number_to_id(scope: Scope) -> Scope:
        path: str = scope["path"]
        last = path.rpartition("/")[2]
        if last == "107" and shows_others:
            last, path = "100", path.replace("107", "100")
        path = path.replace(last, numbers.get(last, last)) if last.isdecimal() else path
        return {**scope, "path": path, "raw_path": path.encode()}

    def id_to_number(scope: Scope, reply: Reply) -> None:
        for number, each in numbers.items():
            reply.body = reply.body.replace(each.encode(), number.encode())

    report = site.broken(Breakage(before=number_to_id, after=id_to_number))
    assert {"ids": "failure" if shows_others else "warning"} == roots(report)


def test_a_server_that_falls_silent_is_given_up(site: Site) -> None:
    counted = itertools.count()

    def silent(scope: Scope) -> None:
        if next(counted) > 10:
            time.sleep(0.5)

    report = site.broken(Breakage(instead=silent), timeout=0.2)
    assert {"reach": "failure"} == roots(report)
    assert not report.complete
    assert report.requests < 20


def test_spaces_have_to_be_decoded_from_both_of_their_forms(site: Site) -> None:
    report = site.broken(when(lambda scope: "%20" in query(scope), lambda: error(400)))
    assert "encoding" in roots(report)


def test_a_token_that_the_server_sends_back_is_not_shown(site: Site) -> None:
    echo = when(lambda _: True, lambda: error(401, f"Not {site.token}."))
    report = site.broken(echo)
    assert site.token not in repr(report)
    assert "[the token]" in repr(report)


@pytest.mark.parametrize("size", [130, 140, 150])
def test_a_token_that_is_cut_off_is_not_shown_in_part(site: Site, size: int) -> None:
    echo = when(lambda _: True, lambda: error(401, f"{'x' * size}{site.token}"))
    assert site.token[:12] not in repr(site.broken(echo))


@pytest.fixture(autouse=True)
def forget_methods(site: Site) -> None:
    site.proxy.methods.clear()


def test_only_what_is_local_is_warned_of_on_this_machine(site: Site) -> None:
    report = site.broken(Breakage())
    assert LOCAL == {each.id for each in report.findings if each.level is Level.WARNING}


def replaced(value: Any, odd: Any) -> Any:
    """Return JSON with an odd value in the place of each leaf."""
    if isinstance(value, dict):
        return {name: replaced(inner, odd) for name, inner in value.items()}
    if isinstance(value, list):
        return [replaced(inner, odd) for inner in value]
    return odd


ODD: list[Any] = [None, True, -1, 1e308, "", "\x1b[31m\u202e", [], [[]], {}, {"id": {}}, 10**30]


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_answers_of_any_shape_end_in_a_report(site: Site, odd: Any) -> None:
    def change(scope: Scope, reply: Reply) -> None:
        reply.json = replaced(reply.json, odd)

    report = site.broken(Breakage(after=change))
    assert report.failures
    assert "\x1b" not in "".join(each.seen + each.advice for each in report.findings)
    assert "\u202e" not in "".join(each.seen + each.advice for each in report.findings)


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"7", b"{", b"\xff\xfe", b"[" * 100_000, b'{"totalResults": 1}']
)
def test_bodies_of_any_kind_end_in_a_report(site: Site, body: bytes) -> None:
    report = site.broken(when(lambda _: True, lambda: Reply(200, dict(SCIM), body)))
    assert report.failures


@pytest.mark.parametrize("location", ["", "http://[", "//", "https://acme.test:x/", "\xff"])
def test_redirects_to_anywhere_end_in_a_report(site: Site, location: str) -> None:
    report = site.broken(when(lambda _: True, redirect(location, 302)))
    assert {"redirect": "failure"} == roots(report)


def test_a_proxy_that_wants_a_password_is_named(site: Site) -> None:
    def password() -> Reply:
        return page(401, "401 Authorization Required", **{"www-authenticate": "Basic realm=x"})

    report = site.broken(when(lambda _: True, password))
    assert {"html": "failure"} == roots(report)
    assert "Basic" in next(each.advice for each in report.failures if each.id == "html")
