"""What the validators send, and what has to come back: random values every time."""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from typing import Any

from tests.client import ENTERPRISE, USER, Client, created
from tests.conformance.checklist.requests import op, query, read

WORK = 'emails[type eq "work"]'
ADDRESS = 'addresses[type eq "work"]'
ROLE = 'roles[primary eq "True"]'
MANAGER = f"{ENTERPRISE}:manager"
PLAIN = ("displayName", "title", "preferredLanguage", "userType", "nickName", "locale")
NAMES = (
    *("formatted", "familyName", "givenName", "middleName"),
    *("honorificPrefix", "honorificSuffix"),
)
PLACES = ("formatted", "streetAddress", "locality", "region", "postalCode", "country")
JOB = ("employeeNumber", "department", "costCenter", "organization", "division")


def text() -> str:
    return "".join(random.choices(string.ascii_uppercase, k=12))


def name() -> str:
    return f"{text()}@acme.test"


def full() -> dict[str, Any]:
    """Return what the validator creates."""
    telephone = text()
    return {
        "schemas": [USER, ENTERPRISE],
        "userName": name(),
        "active": True,
        "timezone": text(),
        "profileUrl": text(),
        **{each: text() for each in PLAIN},
        "name": {each: text() for each in NAMES},
        "emails": [{"type": "work", "primary": True, "value": name()}],
        "addresses": [{"type": "work", "primary": True, **{each: text() for each in PLACES}}],
        "phoneNumbers": [
            {"type": "work", "primary": True, "value": telephone},
            {"type": "mobile", "value": telephone},
            {"type": "fax", "value": telephone},
        ],
        "roles": [{"primary": "True", "display": text(), "value": text(), "type": text()}],
        ENTERPRISE: {**{each: text() for each in JOB}, "manager": {"value": text()}},
    }


def shown(body: dict[str, Any]) -> dict[str, Any]:
    """Return what has to come back of a body."""
    return {**body, "roles": [{**each, "primary": True} for each in body["roles"]]}


def verbose(body: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return a body as one operation a path."""
    email, (address,), (role,) = body["emails"][0], body["addresses"], body["roles"]
    paths = {each: body[each] for each in ("active", "timezone", "profileUrl", *PLAIN)}
    paths |= {f"name.{each}": body["name"][each] for each in NAMES}
    paths |= {f"{WORK}.value": email["value"], f"{WORK}.primary": True}
    paths |= {f"{ADDRESS}.{each}": address[each] for each in (*PLACES, "primary")}
    for each in body["phoneNumbers"]:
        paths |= {f'phoneNumbers[type eq "{each["type"]}"].value': each["value"]}
    paths |= {'phoneNumbers[type eq "work"].primary': True}
    paths |= {f"{ROLE}.{each}": role[each] for each in ("display", "value", "type")}
    paths |= {f"{ENTERPRISE}:{each}": body[ENTERPRISE][each] for each in JOB}
    return [op(kind, path, value=value) for path, value in paths.items()]


def compact(body: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return a body as one operation without a path, and one for each filtered path."""
    steps = verbose(body, kind)
    filtered = [each for each in steps if "[" in each["path"]]
    value = {each["path"]: each["value"] for each in steps if each not in filtered}
    return [op(kind, value=value), *filtered]


def same(expected: dict[str, Any], resource: dict[str, Any]) -> None:
    """Check that a resource has every attribute of a body, and nothing under a path's name."""
    assert expected == {each: resource.get(each) for each in expected}
    assert not [each for each in resource if "." in each and each[:4] != "urn:"]


def changed(client: Client, kind: str, write: Callable[[dict[str, Any], str], Any]) -> None:
    """Create a user, give it other values, and check that they are all there."""
    whole, other = full(), full()
    start = whole if kind == "replace" else {"schemas": [USER], "userName": whole["userName"]}
    path = f"/Users/{created(client.post('/Users', start))['id']}"
    answer = client.patch(path, *write(other, kind))
    assert 200 == answer.status_code, answer.text
    wanted = shown(other)
    for each in ("schemas", "userName"):
        wanted.pop(each)
    wanted[ENTERPRISE].pop("manager")
    for resource in (answer.json(), read(client, path)):
        resource[ENTERPRISE].pop("manager", None)
        same(wanted, resource)


def one(client: Client, endpoint: str, text: str) -> dict[str, Any]:
    """Return the one resource that a filter finds."""
    answer = query(client, endpoint, filter=text)
    assert (200, 1) == (answer.status_code, answer.json()["totalResults"])
    resource: dict[str, Any] = answer.json()["Resources"][0]
    return resource


def group(client: Client, *members: str) -> dict[str, Any]:
    return client.create_group(text(), *members, externalId=text())


def members(resource: dict[str, Any]) -> set[str]:
    return {each["value"] for each in resource["members"]}
