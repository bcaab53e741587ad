"""The Directory sync page: where the admins of an organization connect their directory.

It needs the extra: ``pip install 'scim-asgi[page]'``.
"""

from importlib.util import find_spec

from scim_asgi.errors import MissingExtra

if find_spec("jinja2") is None:
    raise MissingExtra("page")

from scim_asgi.admin.page.app import PageEndpoints
from scim_asgi.admin.page.theme import Theme

__all__ = ["PageEndpoints", "Theme"]
