"""Which directory a request seems to come from: for the log and the hooks, never for behaviour."""

from __future__ import annotations

from functools import lru_cache

from scim_asgi.provisioning.caller import UNKNOWN

_AGENTS = {
    "okta": "okta",
    "google-auto-provisioning": "google",
    "onelogin": "onelogin",
    "rippling": "rippling",
    "jumpcloud": "jumpcloud",
    "pingfederate": "ping",
    "pingone": "ping",
    "authentik": "authentik",
    "keycloak": "keycloak",
    "cyberark": "cyberark",
    "sailpoint": "sailpoint",
    "azure": "entra",
    "microsoft": "entra",
}
_LENGTH = 512


def detect_directory(headers: dict[bytes, bytes]) -> str:
    """Return the name of the directory that the headers point to, or ``unknown``."""
    if b"adscimversion" in headers:
        return "entra"
    return _of_agent(headers.get(b"user-agent", b"")[:_LENGTH])


@lru_cache(maxsize=1024)
def _of_agent(value: bytes) -> str:
    agent = value.decode("latin-1").casefold()
    return next((name for mark, name in _AGENTS.items() if mark in agent), UNKNOWN)
