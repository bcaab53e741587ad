"""All screens of the page."""

from __future__ import annotations

from scim_asgi.admin.page import held, log, mapping, overview, roles, setup, tokens, users
from scim_asgi.admin.page.visits import Screen

SCREENS: tuple[Screen, ...] = (
    *overview.SCREENS,
    *setup.SCREENS,
    *tokens.SCREENS,
    *mapping.SCREENS,
    *roles.SCREENS,
    *users.SCREENS,
    *log.SCREENS,
    *held.SCREENS,
)
