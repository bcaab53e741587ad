"""Real servers for tests: uvicorn in a thread, on a port that the system chooses."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn

from scim_asgi import ScimApp
from scim_asgi.store.errors import StoreError

_running: list[_Server] = []


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, scim_apps: list[ScimApp]) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._scim_apps = scim_apps

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self.ready.set()

    def until_stored(self) -> None:
        """Wait until what the answers so far have left noted is in the file."""
        for app in self._scim_apps:
            if app._runtime.store.is_open:
                asyncio.run_coroutine_threadsafe(_flush(app), self._loop).result(30)


async def _flush(app: ScimApp) -> None:
    with suppress(StoreError):  # where nothing can be stored now, nobody waits for it
        await app._runtime.store.read(lambda _: None)


def until_stored() -> None:
    """Wait until what answers have left noted is in the files of all servers of this process.

    A ScimApp notes behind its answer what a hook has confirmed. Its own reads wait for that;
    another ScimApp on the file, or whoever opens the file itself, has to call this before.
    """
    for server in _running:
        server.until_stored()


def _scim_apps(app: Any) -> list[ScimApp]:
    """Return the ScimApps of an application: itself, or what it has mounted."""
    if isinstance(app, ScimApp):
        return [app]
    routes = [getattr(route, "app", None) for route in getattr(app, "routes", ())]
    return [mounted for mounted in routes if isinstance(mounted, ScimApp)]


@contextmanager
def serving(app: Any, **settings: Any) -> Iterator[str]:
    """Serve an ASGI application and yield its URL; the server ends with the context."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", **settings)
    server = _Server(config, _scim_apps(app))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        assert server.ready.wait(30), "the server did not start"
        _running.append(server)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        if server in _running:
            _running.remove(server)
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive(), "the server did not end"
