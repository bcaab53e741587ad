"""Which directory a request seems to come from: for the log and the hooks, never for behaviour."""

from __future__ import annotations

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


def detect_directory(headers: dict[bytes, bytes]) -> str:
    """Return the name of the directory that the headers point to, or ``unknown``."""
    if b"adscimversion" in headers:
        return "entra"
    agent = headers.get(b"user-agent", b"").decode("latin-1").casefold()
    return next((name for mark, name in _AGENTS.items() if mark in agent), UNKNOWN)
