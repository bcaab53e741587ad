"""All screens of the page."""

from __future__ import annotations

from scim_asgi.admin.page import overview, setup, tokens
from scim_asgi.admin.page.visits import Screen

SCREENS: tuple[Screen, ...] = (
    *overview.SCREENS,
    *setup.SCREENS,
    *tokens.SCREENS,
)
