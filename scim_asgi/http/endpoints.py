"""The endpoints of the protocol (RFC 7644 sections 3 and 4)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from msgspec import Struct
from starlette.types import Receive, Scope, Send

from scim_asgi.http.requests import decode_object, names_of, query_of, read_body, read_query
from scim_asgi.http.responses import send_empty, send_json
from scim_asgi.protocol.bulk import read_bulk
from scim_asgi.protocol.definitions import Registry, ResourceDefinition
from scim_asgi.protocol.discovery import Discovery
from scim_asgi.protocol.errors import Forbidden, MethodNotAllowed, NotFound, NotSupported
from scim_asgi.protocol.messages import list_response, read_search
from scim_asgi.protocol.projection import Projection, project
from scim_asgi.provisioning.answers import Answer
from scim_asgi.provisioning.bulk import MAX_OPERATIONS, Bulk
from scim_asgi.provisioning.caller import Caller
from scim_asgi.provisioning.preconditions import Preconditions, read_tags
from scim_asgi.provisioning.queries import Queries
from scim_asgi.provisioning.service import Service

_DISCOVERY = frozenset({"ServiceProviderConfig", "ResourceTypes", "Schemas"})


class Limits(Struct, frozen=True, kw_only=True):
    """What a request may cost.

    Attributes:
        body_bytes: How many bytes of a body are read.
        body_seconds: How long a body may take to arrive.
    """

    body_bytes: int = 8 * 2**20
    body_seconds: float = 15.0


class Exchange:
    """One request: who asks, and what is needed to read it and to answer.

    Args:
        scope: The ASGI scope.
        receive: The ASGI callable.
        send: The ASGI callable.
        caller: Who asks.
        route: The path behind the mount, without a slash at its end.
        limits: What the request may cost.
    """

    __slots__ = ("_limits", "_receive", "_scope", "caller", "method", "route", "send")

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        caller: Caller,
        route: str,
        limits: Limits,
    ) -> None:
        self._scope = scope
        self._receive = receive
        self._limits = limits
        self.send = send
        self.caller = caller
        self.route = route
        self.method: str = scope["method"]

    async def body(self) -> dict[str, Any]:
        """Return the body, a JSON object."""
        content = await read_body(
            self._scope,
            self._receive,
            limit=self._limits.body_bytes,
            seconds=self._limits.body_seconds,
        )
        return decode_object(self._scope, content)

    def query(self) -> dict[str, list[str]]:
        """Return the query parameters by case-folded name."""
        return read_query(self._scope)

    def projection(self, definition: ResourceDefinition) -> Projection:
        """Return what `attributes` and `excludedAttributes` ask for."""
        if not self._scope["query_string"]:
            return project(definition)
        query = self.query()
        return project(
            definition, names_of(query, "attributes"), names_of(query, "excludedattributes")
        )

    def preconditions(self) -> Preconditions:
        """Return If-Match and If-None-Match; repeated headers are one list."""
        tags: dict[bytes, str] = {}
        for name, value in self._scope["headers"]:
            if name in (b"if-match", b"if-none-match"):
                before = f"{tags[name]}," if name in tags else ""
                tags[name] = before + value.decode("latin-1")
        return Preconditions(
            read_tags(tags.get(b"if-match")), read_tags(tags.get(b"if-none-match"))
        )

    def allow(self, *methods: str) -> None:
        """Refuse every other method; HEAD comes with GET (RFC 9110 section 15.5.6)."""
        allowed = (*methods, "HEAD") if "GET" in methods else methods
        if self.method not in allowed:
            msg = f'"{self.route}" takes {", ".join(allowed)}, not {self.method[:16]}.'
            raise MethodNotAllowed(msg, allowed)


class Endpoints:
    """Takes a request to its use case.

    Args:
        registry: The resource types.
        service: The use cases that change something.
        bulk: Many of them in one request.
        queries: Those that read.
        discovery: What the server says about itself.
    """

    def __init__(
        self,
        registry: Registry,
        service: Service,
        bulk: Bulk,
        queries: Queries,
        discovery: Discovery,
    ) -> None:
        self._registry = registry
        self._service = service
        self._bulk = bulk
        self._queries = queries
        self._discovery = discovery
        names = [each.endpoint[1:] for each in registry.definitions]
        self._names = {name.casefold(): name for name in (*names, *_DISCOVERY, "Bulk", "Me")}

    async def handle(self, exchange: Exchange) -> None:
        """Answer a request.

        Raises:
            ScimError: It is refused; nothing has been sent yet.
        """
        first, *rest = exchange.route.split("/")[1:] or [""]
        first = self._names.get(first.casefold(), first)
        definition = self._registry.by_endpoint.get(f"/{first}")
        if definition is not None:
            await self._resource_type(exchange, definition, rest)
        elif first in _DISCOVERY:
            await self._discover(exchange, first, rest)
        elif first == "Me" and not rest:
            msg = '"/Me" is not supported: a directory\'s token stands for no person.'
            raise NotSupported(msg)
        elif rest:
            raise _no_endpoint(exchange)
        elif first == "Bulk":
            exchange.allow("POST")
            request = read_bulk(await exchange.body(), MAX_OPERATIONS)
            await send_json(exchange.send, 200, await self._bulk.run(exchange.caller, request))
        elif first == ".search":
            await self._search(exchange, self._registry.definitions)
        elif not first:
            exchange.allow("GET")
            await self._list(exchange, self._registry.definitions)
        else:
            raise _no_endpoint(exchange)

    async def _resource_type(
        self, exchange: Exchange, definition: ResourceDefinition, rest: list[str]
    ) -> None:
        if not rest:
            await self._collection(exchange, definition)
        elif rest == [".search"]:
            await self._search(exchange, (definition,))
        elif len(rest) == 1:
            await self._resource(exchange, definition, rest[0])
        else:
            raise _no_endpoint(exchange)

    async def _collection(self, exchange: Exchange, definition: ResourceDefinition) -> None:
        exchange.allow("GET", "POST")
        if exchange.method == "POST":
            projection = exchange.projection(definition)
            body = await exchange.body()
            answer = await self._service.create(exchange.caller, definition, body, projection)
            await _send_answer(exchange, answer)
        else:
            await self._list(exchange, (definition,))

    async def _list(self, exchange: Exchange, definitions: tuple[ResourceDefinition, ...]) -> None:
        query = query_of(exchange.query())
        body = await self._queries.query(exchange.caller, definitions, query)
        await send_json(exchange.send, 200, body)

    async def _search(
        self, exchange: Exchange, definitions: tuple[ResourceDefinition, ...]
    ) -> None:
        exchange.allow("POST")
        query = read_search(await exchange.body())
        body = await self._queries.query(exchange.caller, definitions, query)
        await send_json(exchange.send, 200, body)

    async def _resource(
        self, exchange: Exchange, definition: ResourceDefinition, resource_id: str
    ) -> None:
        exchange.allow("GET", "PUT", "PATCH", "DELETE")
        methods = {"PUT": self._put, "PATCH": self._patch, "DELETE": self._delete}
        handle = methods.get(exchange.method, self._get)
        await _send_answer(exchange, await handle(exchange, definition, resource_id))

    async def _get(
        self, exchange: Exchange, definition: ResourceDefinition, resource_id: str
    ) -> Answer:
        projection = exchange.projection(definition)
        return await self._queries.read(
            exchange.caller, definition, resource_id, projection, exchange.preconditions()
        )

    async def _put(
        self, exchange: Exchange, definition: ResourceDefinition, resource_id: str
    ) -> Answer:
        projection = exchange.projection(definition)
        body = await exchange.body()
        return await self._service.replace(
            exchange.caller, definition, resource_id, body, projection, exchange.preconditions()
        )

    async def _patch(
        self, exchange: Exchange, definition: ResourceDefinition, resource_id: str
    ) -> Answer:
        projection = exchange.projection(definition)
        body = await exchange.body()
        return await self._service.patch(
            exchange.caller, definition, resource_id, body, projection, exchange.preconditions()
        )

    async def _delete(
        self, exchange: Exchange, definition: ResourceDefinition, resource_id: str
    ) -> Answer:
        return await self._service.delete(
            exchange.caller, definition, resource_id, exchange.preconditions()
        )

    async def _discover(self, exchange: Exchange, first: str, rest: list[str]) -> None:
        if len(rest) > 1 or (rest and first == "ServiceProviderConfig"):
            raise _no_endpoint(exchange)
        exchange.allow("GET")
        if "filter" in exchange.query():
            msg = f'"/{first}" cannot be filtered; it always returns everything.'
            raise Forbidden(msg)
        body = self._discovered(first, rest, exchange.caller.base_url)
        await send_json(exchange.send, 200, body)

    def _discovered(self, first: str, rest: list[str], base_url: str) -> dict[str, Any]:
        if first == "ServiceProviderConfig":
            return self._discovery.service_provider_config(base_url)
        if first == "ResourceTypes":
            if rest:
                return self._discovery.resource_type(rest[0], base_url)
            resources = self._discovery.resource_types(base_url)
        else:
            if rest:
                return self._discovery.schema(rest[0], base_url)
            resources = self._discovery.schemas(base_url)
        return list_response(resources, total=len(resources), start_index=1)


async def _send_answer(exchange: Exchange, answer: Answer) -> None:
    headers = {}
    if answer.etag is not None:
        headers["ETag"] = answer.etag
    if answer.location is not None:
        headers["Location" if answer.status == 201 else "Content-Location"] = answer.location
    if answer.resource is None:
        await send_empty(exchange.send, answer.status, headers)
    else:
        await send_json(exchange.send, answer.status, answer.resource, headers)


def _no_endpoint(exchange: Exchange) -> NotFound:
    shown = quote(exchange.route[:200], safe="/:") or "/"
    return NotFound(f'There is no endpoint "{shown}"; see ResourceTypes for what there is.')
