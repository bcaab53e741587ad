"""All endpoints of the admin API."""

from __future__ import annotations

from scim_asgi.admin import connection, log, mappings, people, reconciliation, roles, tokens
from scim_asgi.admin.routes import Route

ROUTES: tuple[Route, ...] = (
    *connection.ROUTES,
    *tokens.ROUTES,
    *mappings.ROUTES,
    *roles.ROUTES,
    *people.ROUTES,
    *log.ROUTES,
    *reconciliation.ROUTES,
)
