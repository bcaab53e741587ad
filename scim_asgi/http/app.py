"""The ASGI application behind the mount: errors at one place, then who asks, then what for."""

from __future__ import annotations

import logging
from contextlib import suppress

from starlette.types import ASGIApp, Receive, Scope, Send

from scim_asgi.http.authentication import TOKEN
from scim_asgi.http.directories import detect_directory
from scim_asgi.http.endpoints import Endpoints, Exchange
from scim_asgi.http.paths import request_base_url, route_path
from scim_asgi.http.requests import ClientGone, check_headers
from scim_asgi.http.responses import Reply, send_error
from scim_asgi.protocol.dialects.urls import read_url
from scim_asgi.protocol.errors import InternalError, InvalidSyntax, NotFound, ScimError, Unavailable
from scim_asgi.protocol.limits import Limits
from scim_asgi.provisioning.caller import Caller
from scim_asgi.provisioning.privacy import LogPolicy
from scim_asgi.provisioning.service import Service
from scim_asgi.provisioning.tokens import TokenIdentity
from scim_asgi.provisioning.traffic import Traffic
from scim_asgi.redaction import printable
from scim_asgi.store.errors import StoreError

logger = logging.getLogger("scim_asgi")

_PAUSE = 5
_NOBODY = TokenIdentity(id="", organization_id="", prefix="")


class ErrorBoundary:
    """Turns whatever is raised into a SCIM Error; nothing of ours reaches the host's handlers.

    Args:
        app: The application behind it.
        policy: How a path is logged.
    """

    def __init__(self, app: ASGIApp, policy: LogPolicy) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an ASGI scope; other types than HTTP pass unchanged."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        reply = Reply(send)
        try:
            await self._app(scope, receive, reply)
        except ClientGone:
            return
        except Exception as error:
            if reply.status is not None:
                raise
            what = printable(f"{scope['method'][:16]} {self._policy.path(scope['path'])}")
            await send_error(send, _told(error, what))


def _told(error: Exception, what: str) -> ScimError:
    """Return what the client is told; what is not ours goes into the log with its traceback."""
    if isinstance(error, ScimError):
        return error
    if isinstance(error, StoreError):
        logger.error("%s failed: %s", what, error)
        return Unavailable("The server's database cannot be reached; try again.", _PAUSE)
    if isinstance(error, RecursionError):
        return InvalidSyntax("The request nests too deep.")
    logger.error("%s failed.", what, exc_info=error)
    return InternalError("The server failed; its log says why. Try again, or tell its operator.")


class ScimEndpoint:
    """Answers authenticated requests.

    Args:
        endpoints: The endpoints.
        service: The use cases, for the log of refused requests.
        traffic: What notes every request.
        base_url: The public base URL; None to use the request's own.
        limits: What a request may cost.
        mount_path: A prefix that the host leaves in the path, or takes off it, without saying so.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        service: Service,
        traffic: Traffic,
        *,
        base_url: str | None,
        limits: Limits,
        mount_path: str,
    ) -> None:
        self._endpoints = endpoints
        self._service = service
        self._traffic = traffic
        self._base_url = base_url
        self._limits = limits
        self._mount_path = mount_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an authenticated HTTP request; raises ScimError when it is refused."""
        headers = dict(scope["headers"])
        route, query, caller = self._read(scope, headers)
        exchange = Exchange(scope, headers, query, receive, caller, route, self._limits)
        try:
            check_headers(scope, headers)
            response = await self._endpoints.handle(exchange)
        except ScimError as error:
            self._traffic.seen(caller, error.status)
            missed = scope["method"] in ("GET", "HEAD") and error.status in (404, 405, 501)
            if not error.is_logged and not missed:
                await self._service.log_refusal(caller, error)
            raise
        self._traffic.seen(caller, response.status)
        await response.send(send)

    def limited(self, scope: Scope, error: ScimError) -> None:
        """Note a request that is over its token's limit."""
        with suppress(NotFound):
            self._traffic.limited(self._read(scope, dict(scope["headers"]))[2], error)

    def refused(self, scope: Scope, token: str) -> None:
        """Note a request whose token does not work."""
        with suppress(ScimError):
            scope = {**scope, TOKEN: _NOBODY}
            self._traffic.refused(self._read(scope, dict(scope["headers"]))[2], token)

    def _read(self, scope: Scope, headers: dict[bytes, bytes]) -> tuple[str, bytes, Caller]:
        """Return the route behind the mount, the query, and who asks."""
        split = route_path(scope, self._mount_path)
        if split is None:
            msg = "There is no endpoint at this path."
            raise NotFound(msg)
        prefix, route = split
        route, query = read_url(route, scope["query_string"])
        return route, query, self._caller(scope, headers, prefix, route)

    def _caller(self, scope: Scope, headers: dict[bytes, bytes], prefix: str, route: str) -> Caller:
        token: TokenIdentity = scope[TOKEN]
        request_id = headers.get(b"x-request-id", b"")[:64]
        base_url = self._base_url or request_base_url(scope, prefix, headers.get(b"host", b""))
        return Caller(
            organization_id=token.organization_id,
            base_url=base_url,
            token_prefix=token.prefix,
            directory=detect_directory(headers),
            request_id=request_id.decode("latin-1"),
            method=scope["method"],
            path=route[:500],
        )
