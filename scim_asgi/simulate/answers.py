"""What a product reads from an answer: JSON that has the shape of SCIM, pages, and details."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
from msgspec import Struct

from scim_asgi.remote import decode, shown, whole_seconds
from scim_asgi.simulate.attributes import ENTERPRISE

MOST_PAGES = 2_000
"""After how many pages a list is taken for one without an end."""
_LONGEST_WAIT = 30.0
_LONGEST_DETAIL = 500
_OBJECTS = ("name", "meta", ENTERPRISE)
_LISTS = (
    "emails",
    "phoneNumbers",
    "addresses",
    "roles",
    "photos",
    "entitlements",
    "members",
    "groups",
)
_DISCOVERED = ("schemaExtensions", "attributes")
_RESOURCES = ("/Users", "/Groups")
_REFERENCES = ("members", "groups")


class Page(Struct, frozen=True):
    """A ListResponse that can be relied on: whole numbers, and resources with ids."""

    total: int
    resources: list[dict[str, Any]]


def page_of(body: Mapping[str, Any]) -> Page | None:
    """Return the page that a body holds, None where it is no ListResponse."""
    total, resources = body.get("totalResults"), body.get("Resources") or []
    if not isinstance(total, int) or not isinstance(resources, list):
        return None
    whole = all(isinstance(each, dict) and isinstance(each.get("id"), str) for each in resources)
    return Page(total, resources) if whole else None


def json_object(target: str, answer: httpx.Response) -> dict[str, Any] | str:
    """Return the JSON object in an answer without its nulls, or in words why it is of no use.

    Args:
        target: Path and query that were asked for.
        answer: The answer.
    """
    body = decode(answer.content)
    if not isinstance(body, dict):
        return f"the answer is no JSON object: {detail_of(answer)}"
    _drop_nulls(body)
    resources = body.get("Resources")
    for each in [body, *(resources if isinstance(resources, list) else ())]:
        if isinstance(each, dict):
            _drop_nulls(each)
            flaw = _flaw(each, is_resource=target.startswith(_RESOURCES))
            if flaw is not None:
                return f"the answer cannot be read: {flaw}"
    return body


def pause_of(answer: httpx.Response) -> float | None:
    """Return for how many seconds an answer asks to wait, None where it does not say so."""
    seconds = whole_seconds(answer.headers.get("retry-after"))
    return None if seconds is None else min(float(seconds), _LONGEST_WAIT)


def detail_of(answer: httpx.Response) -> str:
    """Return what an answer says in words."""
    body = decode(answer.content)
    said = body.get("detail") if isinstance(body, dict) else None
    text = said if isinstance(said, str) and said else answer.text[: 2 * _LONGEST_DETAIL]
    return shown(text, _LONGEST_DETAIL)


def _drop_nulls(resource: dict[str, Any]) -> None:
    """Drop attributes that are null, which is the same as none at all (RFC 7643, 2.5)."""
    for name in [name for name, value in resource.items() if value is None]:
        del resource[name]


def _flaw(resource: Mapping[str, Any], *, is_resource: bool) -> str | None:
    """Return which attribute of a user, group or type is not what RFC 7643 says it is."""
    for name in _OBJECTS if is_resource else ():
        if not isinstance(resource.get(name, {}), dict):
            return f"{name} is no object"
    for name in _LISTS if is_resource else _DISCOVERED:
        found = resource.get(name, [])
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            return f"{name} is no list of objects"
    for name in _REFERENCES if is_resource else ():
        if not all(isinstance(each.get("value"), str) for each in resource.get(name, [])):
            return f"{name} has an element without a value"
    return None
