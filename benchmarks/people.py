"""Users and groups by number, as directories send them, and the requests about them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote_plus

import msgspec

from benchmarks.driver import Request

CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

Operation = dict[str, Any]

_encode = msgspec.json.Encoder().encode


def user(number: int) -> dict[str, Any]:
    """Return the body of a user, some 700 bytes as JSON."""
    name = login(number)
    return {
        "schemas": [CORE_USER, ENTERPRISE],
        "userName": name,
        "externalId": external_id(number),
        "displayName": display_name(number),
        "active": True,
        "name": {"givenName": f"Given{number}", "familyName": "Example"},
        "title": "Engineer",
        "emails": [{"value": name, "type": "work", "primary": True}],
        "phoneNumbers": [{"value": f"+1 555 {number:07}", "type": "mobile"}],
        "preferredLanguage": "en-US",
        ENTERPRISE: {"employeeNumber": f"{number:07}", "department": f"Department {number % 50}"},
    }


def login(number: int) -> str:
    """Return the userName and the address of a user."""
    return f"person{number:07}@bench.example"


def external_id(number: int) -> str:
    """Return the externalId of a user; like a directory's, it is in no order."""
    return f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}"


def display_name(number: int) -> str:
    """Return the displayName of a user."""
    return f"Given{number} Example"


def group(name: str, members: Iterable[str] = ()) -> dict[str, Any]:
    """Return the body of a group."""
    listed = [{"value": each} for each in members]
    return {"schemas": [CORE_GROUP], "displayName": name, "members": listed}


def patch(*operations: Operation) -> dict[str, Any]:
    """Return the body of a PATCH."""
    return {"schemas": [PATCH_OP], "Operations": list(operations)}


class Api:
    """Requests to a SCIM service.

    Args:
        prefix: What stands in front of every path.
        token: The bearer token.
    """

    def __init__(self, prefix: str, token: str) -> None:
        self._prefix = prefix
        self._head = (
            f"HTTP/1.1\r\nHost: bench.example\r\nAuthorization: Bearer {token}\r\n"
            "Accept: application/scim+json\r\n"
        )

    def get(self, path: str) -> Request:
        """Return a GET."""
        return Request(f"GET {self._prefix}{path} {self._head}\r\n".encode())

    def find(self, endpoint: str, filter_text: str) -> Request:
        """Return a look-up by a filter."""
        return self.get(f"{endpoint}?filter={quote_plus(filter_text)}")

    def post(self, path: str, body: dict[str, Any]) -> Request:
        """Return a POST."""
        return self.send("POST", path, _encode(body), b"201")

    def patch(self, path: str, *operations: Operation, status: bytes = b"200") -> Request:
        """Return a PATCH."""
        return self.send("PATCH", path, _encode(patch(*operations)), status)

    def send(self, method: str, path: str, body: bytes, status: bytes) -> Request:
        """Return a request with a body."""
        head = (
            f"{method} {self._prefix}{path} {self._head}"
            f"Content-Type: application/scim+json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return Request(head.encode() + body, status)
