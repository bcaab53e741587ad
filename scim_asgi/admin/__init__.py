"""The admin API: what the organization admins of a host product may see and change."""

from scim_asgi.admin.actor import Actor, Authorize, SecretKey
from scim_asgi.admin.errors import NotSignedIn

__all__ = ["Actor", "Authorize", "NotSignedIn", "SecretKey"]
