"""The command line: `scim-asgi …`."""

from scim_asgi.cli.main import main

__all__ = ["main"]
