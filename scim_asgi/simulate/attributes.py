"""A resource's attributes by path, as directories' own mappings name them.

The simulators are clients: they share no code with the server that they test.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
MANAGER = f"{ENTERPRISE}:manager"

_PATH = re.compile(
    r"(?:(?P<urn>urn:.+:User):)?(?P<name>\w+)"
    r'(?:\[(?P<key>\w+) eq "(?P<value>[^"]*)"\])?(?:\.(?P<sub>\w+))?'
)
_PRIMARY = {"primary": True}

Attributes = Mapping[str, Any]
"""Values by path, such as ``emails[type eq "work"].value``; None for what is empty."""


def read(resource: Mapping[str, Any], path: str) -> Any:
    """Return the value at a path, None where there is none; of a list without filter the first."""
    match = _parse(path)
    scope = resource.get(match["urn"], {}) if match["urn"] else resource
    found = scope.get(match["name"])
    if match["key"]:
        elements = found if isinstance(found, list) else []
        stamp = _stamp(match)
        matching = [each for each in elements if stamp.items() <= each.items()]
        found = matching[0] if matching else None
    elif isinstance(found, list):
        found = found[0] if found else None
    if match["sub"]:
        return found.get(match["sub"]) if isinstance(found, dict) else None
    return found


def place(resource: dict[str, Any], path: str, value: Any) -> None:
    """Put a value at a path; an element that a filter names is made where it is not there."""
    match = _parse(path)
    scope = resource.setdefault(match["urn"], {}) if match["urn"] else resource
    if match["key"]:
        elements = scope.setdefault(match["name"], [])
        stamp = _stamp(match)
        element = next((each for each in elements if stamp.items() <= each.items()), None)
        if element is None:
            element = dict(stamp)
            elements.append(element)
        element[match["sub"]] = value
    elif match["sub"]:
        scope.setdefault(match["name"], {})[match["sub"]] = value
    else:
        scope[match["name"]] = value


def is_filtered(path: str) -> bool:
    """Return whether a path picks elements by a filter."""
    return "[" in path


def resource_of(attributes: Attributes) -> dict[str, Any]:
    """Return attributes as a resource; what is empty is left out."""
    resource: dict[str, Any] = {}
    for path, value in attributes.items():
        if value is not None:
            place(resource, path, value)
    return resource


def quoted(text: str) -> str:
    """Return a text as it stands in a filter."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _parse(path: str) -> re.Match[str]:
    match = _PATH.fullmatch(path)
    assert match is not None, path
    return match


def _stamp(match: re.Match[str]) -> dict[str, Any]:
    return _PRIMARY if match["key"] == "primary" else {match["key"]: match["value"]}
