"""The directories that the doctor knows, and the checks that it makes."""

from __future__ import annotations

from msgspec import Struct

DIRECTORIES = {
    "entra": "Microsoft Entra ID",
    "okta": "Okta",
    "google": "Google Workspace",
    "rippling": "Rippling",
    "onelogin": "OneLogin",
    "jumpcloud": "JumpCloud",
    "ping": "Ping",
    "cyberark": "CyberArk",
    "sailpoint": "SailPoint",
    "authentik": "authentik",
    "keycloak": "Keycloak",
}
"""The directories by the names that the command line takes."""

ALL = tuple(DIRECTORIES)


class Check(Struct, frozen=True):
    """One check.

    Attributes:
        group: The heading under which it is shown.
        title: What is true when it is well.
        directories: Whom it concerns.
    """

    group: str
    title: str
    directories: tuple[str, ...] = ALL


_URL = "The URL"
_WAY = "The way to the server"
_TOKEN = "The token"  # noqa: S105 - a heading
_REQUESTS = "Requests as directories write them"
_ANSWERS = "Answers"
_LISTS = "Lists and filters"
_RESOURCES = "Users and groups"
_DISCOVERY = "Discovery"
CONNECTIONS = "The directories' own connection tests"

CHECKS = {
    "url-https": Check(_URL, "The URL is https"),
    "url-public": Check(_URL, "The host is reachable from the internet"),
    "url-underscore": Check(_URL, "The URL has no underscore", ("okta",)),
    "url-path": Check(_URL, "The URL is a base URL and no more"),
    "reach": Check(_WAY, "The server answers"),
    "tls": Check(_WAY, "The certificate is trusted, and TLS 1.2 is spoken"),
    "redirect": Check(_WAY, "Nothing is redirected"),
    "html": Check(_WAY, "SCIM answers, not a web page"),
    "base-url": Check(_WAY, "SCIM is at this URL"),
    "server-errors": Check(_WAY, "The server does not fail"),
    "rate-limit": Check(_WAY, "The rate limit leaves room, and says how long to wait"),
    "cache": Check(_WAY, "No cache answers in the server's place"),
    "clock": Check(_WAY, "The server's clock is right"),
    "speed": Check(_WAY, "Answers come quickly"),
    "token": Check(_TOKEN, "The token is accepted"),
    "token-refused": Check(_TOKEN, "Wrong and missing tokens are refused with a SCIM error"),
    "token-scheme": Check(_TOKEN, "The token is sent as “Bearer …”"),
    "user-agent": Check(_REQUESTS, "Any User-Agent is let through, and none"),
    "accept": Check(_REQUESTS, "Any Accept header will do, and none"),
    "request-type": Check(
        _REQUESTS,
        "A GET may name a Content-Type",
        ("okta", "onelogin", "authentik"),
    ),
    "encoding": Check(_REQUESTS, "A space in a query is + or %20"),
    "slashes": Check(_REQUESTS, "Doubled slashes and slashes at the end do no harm"),
    "entra-flag": Check(_REQUESTS, "?aadOptscim062020 does no harm", ("entra",)),
    "content-type": Check(_ANSWERS, "Answers are application/scim+json"),
    "list-shape": Check(_ANSWERS, "Lists are ListResponse messages with Resources"),
    "list-numbers": Check(_ANSWERS, "The numbers of a list are numbers"),
    "nulls": Check(_ANSWERS, "No answer holds null"),
    "locations": Check(_ANSWERS, "Locations in answers begin with the public URL"),
    "not-found": Check(_ANSWERS, "What is not there is 404 with a SCIM error"),
    "filter-no-match": Check(_LISTS, "A query without a match is answered 200 and an empty list"),
    "filter-ignored": Check(_LISTS, "A filter is never passed over"),
    "filter-attributes": Check(
        _LISTS,
        "Users and groups can be looked up by what directories match on",
        ("entra", "okta", "rippling", "ping", "jumpcloud"),
    ),
    "filter-finds": Check(_LISTS, "A user is found by name, in any case, and by id"),
    "paging": Check(_LISTS, "Pages follow each other in one stable order"),
    "page-size": Check(_LISTS, "A page of 100 has 100", ("okta",)),
    "users-complete": Check(_RESOURCES, "Users have an id, a userName and active"),
    "ids": Check(_RESOURCES, "Ids cannot be guessed, and show nobody else"),
    "group-members": Check(
        _RESOURCES, "A group always has members, if only []", ("authentik", "okta", "entra")
    ),
    "excluded-members": Check(_RESOURCES, "excludedAttributes=members leaves them out", ("entra",)),
    "service-provider-config": Check(
        _DISCOVERY,
        "ServiceProviderConfig is whole",
        ("authentik", "cyberark", "sailpoint", "rippling"),
    ),
    "resource-types": Check(
        _DISCOVERY, "ResourceTypes are there, together and one by one", ("cyberark", "sailpoint")
    ),
    "schemas": Check(
        _DISCOVERY,
        "Schemas are there, together and one by one",
        ("entra", "cyberark", "sailpoint"),
    ),
    "connection-entra": Check(CONNECTIONS, "Microsoft Entra ID: Test Connection", ("entra",)),
    "connection-okta": Check(CONNECTIONS, "Okta: Test Connector Configuration", ("okta",)),
    "connection-google": Check(CONNECTIONS, "Google Workspace: first request", ("google",)),
    "connection-rippling": Check(CONNECTIONS, "Rippling: first requests", ("rippling",)),
    "connection-onelogin": Check(CONNECTIONS, "OneLogin: connect", ("onelogin",)),
    "connection-jumpcloud": Check(CONNECTIONS, "JumpCloud: activation", ("jumpcloud",)),
    "connection-ping": Check(CONNECTIONS, "Ping: look-ups", ("ping",)),
    "connection-cyberark": Check(CONNECTIONS, "CyberArk: reads", ("cyberark",)),
    "connection-sailpoint": Check(CONNECTIONS, "SailPoint: reads", ("sailpoint",)),
    "connection-authentik": Check(CONNECTIONS, "authentik: start", ("authentik",)),
    "connection-keycloak": Check(CONNECTIONS, "Keycloak: import", ("keycloak",)),
}
"""The checks by id, in the order in which they are shown."""
