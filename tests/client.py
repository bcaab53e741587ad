"""A SCIM client for tests, over a real connection."""

from __future__ import annotations

import json
from typing import Any

import httpx

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


KEPT = httpx.Limits(keepalive_expiry=0.5)
"""Connections are left before the server closes them, which a request could meet."""


class Client:
    """Sends requests below a base URL with a bearer token."""

    def __init__(self, base_url: str, token: str) -> None:
        self.base_url = base_url
        self.token = token
        self.headers = {"Authorization": f"Bearer {token}"}
        # Tests speak plain HTTP; without verify=False each client would read all certificates.
        self._http = httpx.Client(headers=self.headers, timeout=60, verify=False, limits=KEPT)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(self, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        """Send a request; a body that is neither None nor bytes goes as JSON."""
        if isinstance(body, bytes):
            options["content"] = body
        elif body is not None:
            options["json"] = body
        return self._http.request(method, f"{self.base_url}{path}", **options)

    def send_exactly(
        self, method: str, path: str, body: Any, headers: dict[str, str]
    ) -> httpx.Response:
        """Send a request with these headers and no others but Host and Content-Length."""
        content = (
            json.dumps(body, ensure_ascii=False).encode()
            if not isinstance(body, bytes | None)
            else body
        )
        url = f"{self.base_url}{path}"
        request = httpx.Request(method, url, content=content, headers=headers)
        return self._http.send(request)

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Send a GET."""
        return self.send("GET", path, **options)

    def post(self, path: str, body: Any, **options: Any) -> httpx.Response:
        """Send a POST."""
        return self.send("POST", path, body, **options)

    def patch(self, path: str, *operations: dict[str, Any], **options: Any) -> httpx.Response:
        """Send a PatchOp message."""
        body = {"schemas": [PATCH_OP], "Operations": list(operations)}
        return self.send("PATCH", path, body, **options)

    def create_user(self, user_name: str, **attributes: Any) -> dict[str, Any]:
        """Create a user and return it."""
        body = {"schemas": [USER], "userName": user_name, **attributes}
        return created(self.post("/Users", body))

    def create_group(self, name: str, *members: str, **attributes: Any) -> dict[str, Any]:
        """Create a group and return it."""
        body = {"schemas": [GROUP], "displayName": name, **attributes}
        if members:
            body["members"] = [{"value": member} for member in members]
        return created(self.post("/Groups", body))


def created(response: httpx.Response) -> dict[str, Any]:
    """Return the resource of a 201."""
    assert response.status_code == 201, response.text
    resource: dict[str, Any] = response.json()
    return resource


def assert_error(response: httpx.Response, status: int, scim_type: str | None = None) -> str:
    """Check that an answer is a SCIM Error message, and return its detail."""
    assert status == response.status_code, response.text
    assert "application/scim+json" == response.headers["content-type"]
    body = response.json()
    assert [ERROR] == body["schemas"]
    assert str(status) == body["status"]
    assert scim_type == body.get("scimType"), body
    detail: str = body["detail"]
    assert detail
    return detail
