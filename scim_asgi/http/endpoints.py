"""The endpoints of the protocol (RFC 7644 sections 3 and 4)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
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
from scim_asgi.protocol.limits import Limits
from scim_asgi.protocol.messages import list_response, read_search
from scim_asgi.protocol.projection import Projection, project
from scim_asgi.provisioning.answers import Answer
from scim_asgi.provisioning.bulk import Bulk
from scim_asgi.provisioning.caller import Caller
from scim_asgi.provisioning.preconditions import Preconditions, read_tags
from scim_asgi.provisioning.queries import Queries
from scim_asgi.provisioning.service import Service

ITEM = "{id}"
"""Stands in the path of a route for the id, name or URN of one resource."""


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

    __slots__ = ("_receive", "_scope", "caller", "limits", "method", "route", "send")

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
        self.limits = limits
        self.send = send
        self.caller = caller
        self.route = route
        self.method: str = scope["method"]

    async def body(self) -> dict[str, Any]:
        """Return the body, a JSON object."""
        content = await read_body(self._scope, self._receive, self.limits)
        return decode_object(self._scope, content, self.limits)

    def query(self) -> dict[str, list[str]]:
        """Return the query parameters by case-folded name."""
        return read_query(self._scope, self.limits)

    def projection(self, definition: ResourceDefinition) -> Projection:
        """Return what `attributes` and `excludedAttributes` ask for."""
        if not self._scope["query_string"]:
            return project(definition)
        query = self.query()
        return project(
            definition,
            names_of(query, "attributes"),
            names_of(query, "excludedattributes"),
            self.limits,
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


class Route(Struct, frozen=True):
    """What is answered at one path.

    Attributes:
        methods: The methods that it takes, HEAD aside; none where all are refused likewise.
        answer: Answers a request, given what stands in the place of `ITEM`.
    """

    methods: tuple[str, ...]
    answer: Callable[[Exchange, str], Awaitable[None]]


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
        self._routes = self._common_routes()
        for definition in registry.definitions:
            self._routes |= self._routes_of(definition)
        self._names = {path.casefold(): path for path in self._routes if ITEM not in path}

    @property
    def routes(self) -> Mapping[str, tuple[str, ...]]:
        """The methods of every path behind the mount; `ITEM` stands for an id."""
        return {path: route.methods for path, route in self._routes.items()}

    async def handle(self, exchange: Exchange) -> None:
        """Answer a request.

        Raises:
            ScimError: It is refused; nothing has been sent yet.
        """
        parent, _, last = exchange.route.rpartition("/")
        item, route = "", self._route(exchange.route)
        if route is None or last == ITEM:
            item, route = last, self._route(parent, f"/{ITEM}")
        if route is None:
            raise _no_endpoint(exchange)
        if route.methods:
            exchange.allow(*route.methods)
        await route.answer(exchange, item)

    def _route(self, path: str, item: str = "") -> Route | None:
        """Return the route at a path, whose names may be in any case."""
        return self._routes.get(f"{self._names.get(path.casefold(), path)}{item}")

    def _routes_of(self, definition: ResourceDefinition) -> dict[str, Route]:
        """Return the routes of a resource type: the collection, its search and one resource."""

        async def collection(exchange: Exchange, _: str) -> None:
            await self._collection(exchange, definition)

        async def search(exchange: Exchange, _: str) -> None:
            await self._search(exchange, (definition,))

        async def resource(exchange: Exchange, resource_id: str) -> None:
            await self._resource(exchange, definition, resource_id)

        path = definition.endpoint
        return {
            path: Route(("GET", "POST"), collection),
            f"{path}/.search": Route(("POST",), search),
            f"{path}/{ITEM}": Route(("GET", "PUT", "PATCH", "DELETE"), resource),
        }

    def _common_routes(self) -> dict[str, Route]:
        """Return the routes that belong to no resource type."""

        async def everything(exchange: Exchange, _: str) -> None:
            await self._list(exchange, self._registry.definitions)

        async def search(exchange: Exchange, _: str) -> None:
            await self._search(exchange, self._registry.definitions)

        return {
            "": Route(("GET",), everything),
            "/.search": Route(("POST",), search),
            "/Bulk": Route(("POST",), self._carry_out),
            "/Me": Route((), _refuse_me),
            "/ServiceProviderConfig": self._discovered("ServiceProviderConfig"),
            "/ResourceTypes": self._discovered("ResourceTypes"),
            f"/ResourceTypes/{ITEM}": self._discovered("ResourceTypes"),
            "/Schemas": self._discovered("Schemas"),
            f"/Schemas/{ITEM}": self._discovered("Schemas"),
        }

    def _discovered(self, kind: str) -> Route:
        """Return a route of discovery."""

        async def discover(exchange: Exchange, item: str) -> None:
            if "filter" in exchange.query():
                msg = f'"/{kind}" cannot be filtered; it always returns everything.'
                raise Forbidden(msg)
            body = self._discovery_of(kind, item, exchange.caller.base_url)
            await send_json(exchange.send, 200, body)

        return Route(("GET",), discover)

    async def _carry_out(self, exchange: Exchange, _: str) -> None:
        request = read_bulk(await exchange.body(), exchange.limits)
        await send_json(exchange.send, 200, await self._bulk.run(exchange.caller, request))

    async def _collection(self, exchange: Exchange, definition: ResourceDefinition) -> None:
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
        query = read_search(await exchange.body())
        body = await self._queries.query(exchange.caller, definitions, query)
        await send_json(exchange.send, 200, body)

    async def _resource(
        self, exchange: Exchange, definition: ResourceDefinition, resource_id: str
    ) -> None:
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

    def _discovery_of(self, kind: str, item: str, base_url: str) -> dict[str, Any]:
        if kind == "ServiceProviderConfig":
            return self._discovery.service_provider_config(base_url)
        if kind == "ResourceTypes":
            if item:
                return self._discovery.resource_type(item, base_url)
            resources = self._discovery.resource_types(base_url)
        else:
            if item:
                return self._discovery.schema(item, base_url)
            resources = self._discovery.schemas(base_url)
        return list_response(resources, total=len(resources), start_index=1)


async def _refuse_me(_exchange: Exchange, _item: str) -> None:
    msg = '"/Me" is not supported: a directory\'s token stands for no person.'
    raise NotSupported(msg)


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
