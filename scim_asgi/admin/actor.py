"""Who uses the admin API, and what they may do there."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from msgspec import Struct
from starlette.requests import Request

from scim_asgi.admin.errors import NotSignedIn


class Actor(Struct, frozen=True, kw_only=True):
    """Somebody who asks, as the host knows them.

    Attributes:
        id: The host's id of them, for the audit; it never changes.
        name: What people call them, for the audit; the id where it is "".
        can_read: Whether they may look.
        can_manage: Whether they may change things, which includes looking.
    """

    id: str
    name: str = ""
    can_read: bool = True
    can_manage: bool = False

    @property
    def label(self) -> str:
        """What the audit says of them."""
        return self.name or self.id


Authorize: TypeAlias = Callable[[Request, str], Awaitable[Actor | None]]
"""Answers who asks for an organization: an Actor, or None for nobody who may know of it (404).

It may raise :class:`NotSignedIn` (401), or Starlette's HTTPException.
"""


class SecretKey:
    """Lets in whoever sends ``Authorization: Bearer <secret key>``: another server of the host.

    ``SecretKey(new, old)`` accepts both, so that a key can be replaced without a gap.

    Args:
        keys: The keys; at least one, none of them empty.
        name: What the audit says of whoever has the key.

    Raises:
        ValueError: There is no key, or an empty one.
    """

    def __init__(self, *keys: str, name: str = "secret key") -> None:
        if not keys or not all(key.strip() for key in keys):
            msg = "SecretKey needs a key that is not empty, such as secrets.token_urlsafe(32)."
            raise ValueError(msg)
        self._digests = [hashlib.sha256(key.encode()).digest() for key in keys]
        self._actor = Actor(id="secret_key", name=name, can_manage=True)

    async def __call__(self, request: Request, _organization_id: str) -> Actor:
        """Return the actor of a request that has the key.

        Raises:
            NotSignedIn: It has none, or another one.
        """
        headers = request.headers.getlist("authorization")
        scheme, _, key = (headers[0] if len(headers) == 1 else "").strip().partition(" ")
        sent = hashlib.sha256(key.strip().encode("latin-1", "replace")).digest()
        # All are compared, each in constant time.
        found = [hmac.compare_digest(sent, digest) for digest in self._digests]
        if scheme.casefold() == "bearer" and any(found):
            return self._actor
        raise NotSignedIn
