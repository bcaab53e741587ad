"""The endpoints of the protocol (RFC 7644 sections 3 and 4)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from msgspec import Struct
from starlette.types import Receive, Scope

from scim_asgi.http.requests import decode_object, names_of, query_of, read_body, read_query
from scim_asgi.http.responses import Response, empty_response, json_response
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

_NO_PRECONDITIONS = Preconditions()


class Exchange:
    """One request: who asks, and what is needed to read it.

    Args:
        scope: The ASGI scope.
        headers: The last one of each name.
        query_string: The query string.
        receive: The ASGI callable.
        caller: Who asks.
        route: The path behind the mount, without a slash at its end.
        limits: What the request may cost.
    """

    __slots__ = (
        "_headers",
        "_query_string",
        "_receive",
        "_scope",
        "caller",
        "limits",
        "method",
        "route",
    )

    def __init__(
        self,
        scope: Scope,
        headers: dict[bytes, bytes],
        query_string: bytes,
        receive: Receive,
        caller: Caller,
        route: str,
        limits: Limits,
    ) -> None:
        self._scope = scope
        self._headers = headers
        self._query_string = query_string
        self._receive = receive
        self.limits = limits
        self.caller = caller
        self.route = route
        self.method = caller.method

    async def body(self) -> dict[str, Any]:
        """Return the body, a JSON object."""
        content = await read_body(self._headers, self._receive, self.limits)
        return decode_object(self._headers, content, self.limits)

    def query(self) -> dict[str, list[str]]:
        """Return the query parameters by case-folded name."""
        return read_query(self._query_string, self.limits)

    def projection(self, definition: ResourceDefinition) -> Projection:
        """Return what `attributes` and `excludedAttributes` ask for."""
        if not self._query_string:
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
        if b"if-match" not in self._headers and b"if-none-match" not in self._headers:
            return _NO_PRECONDITIONS
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
    answer: Callable[[Exchange, str], Awaitable[Response]]


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
        self._methods = {"PUT": self._put, "PATCH": self._patch, "DELETE": self._delete}
        self._routes = self._common_routes()
        for definition in registry.definitions:
            self._routes |= self._routes_of(definition)
        # Names of paths may be in any case, ids may not.
        self._wholes = {path.casefold(): route for path, route in self._routes.items()}
        self._items = {
            path.removesuffix(f"/{ITEM}").casefold(): self._wholes.pop(path.casefold())
            for path in self._routes
            if ITEM in path
        }

    @property
    def routes(self) -> Mapping[str, tuple[str, ...]]:
        """The methods of every path behind the mount; `ITEM` stands for an id."""
        return {path: route.methods for path, route in self._routes.items()}

    def handle(self, exchange: Exchange) -> Awaitable[Response]:
        """Return what answers a request.

        Raises:
            ScimError: It is refused, now or where it is awaited.
        """
        item, route = "", self._wholes.get(exchange.route.casefold())
        if route is None:
            parent, _, item = exchange.route.rpartition("/")
            route = self._items.get(parent.casefold())
        if route is None:
            raise _no_endpoint(exchange)
        if route.methods and exchange.method not in route.methods:
            exchange.allow(*route.methods)
        return route.answer(exchange, item)

    def _routes_of(self, definition: ResourceDefinition) -> dict[str, Route]:
        """Return the routes of a resource type: the collection, its search and one resource."""
        path = definition.endpoint
        resource = partial(self._resource, definition)
        return {
            path: Route(("GET", "POST"), partial(self._collection, definition)),
            f"{path}/.search": Route(("POST",), partial(self._search, (definition,))),
            f"{path}/{ITEM}": Route(("GET", "PUT", "PATCH", "DELETE"), resource),
        }

    def _common_routes(self) -> dict[str, Route]:
        """Return the routes that belong to no resource type."""
        everything = self._registry.definitions
        return {
            "": Route(("GET",), partial(self._list, everything)),
            "/.search": Route(("POST",), partial(self._search, everything)),
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

        async def discover(exchange: Exchange, item: str) -> Response:
            if "filter" in exchange.query():
                msg = f'"/{kind}" cannot be filtered; it always returns everything.'
                raise Forbidden(msg)
            return json_response(200, self._discovery_of(kind, item, exchange.caller.base_url))

        return Route(("GET",), discover)

    async def _carry_out(self, exchange: Exchange, _: str) -> Response:
        request = read_bulk(await exchange.body(), exchange.limits)
        return json_response(200, await self._bulk.run(exchange.caller, request))

    async def _collection(
        self, definition: ResourceDefinition, exchange: Exchange, item: str
    ) -> Response:
        if exchange.method != "POST":
            return await self._list((definition,), exchange, item)
        projection = exchange.projection(definition)
        body = await exchange.body()
        return _response(await self._service.create(exchange.caller, definition, body, projection))

    async def _list(
        self, definitions: tuple[ResourceDefinition, ...], exchange: Exchange, _: str
    ) -> Response:
        query = query_of(exchange.query())
        return json_response(200, await self._queries.query(exchange.caller, definitions, query))

    async def _search(
        self, definitions: tuple[ResourceDefinition, ...], exchange: Exchange, _: str
    ) -> Response:
        query = read_search(await exchange.body())
        return json_response(200, await self._queries.query(exchange.caller, definitions, query))

    def _resource(
        self, definition: ResourceDefinition, exchange: Exchange, resource_id: str
    ) -> Awaitable[Response]:
        handle = self._methods.get(exchange.method, self._get)
        return handle(exchange, definition, resource_id)

    async def _get(
        self, exchange: Exchange, definition: ResourceDefinition, resource_id: str
    ) -> Response:
        projection = exchange.projection(definition)
        answer = await self._queries.read(
            exchange.caller, definition, resource_id, projection, exchange.preconditions()
        )
        return _response(answer)

    async def _put(
        self, exchange: Exchange, definition: ResourceDefinition, resource_id: str
    ) -> Response:
        projection = exchange.projection(definition)
        body = await exchange.body()
        answer = await self._service.replace(
            exchange.caller, definition, resource_id, body, projection, exchange.preconditions()
        )
        return _response(answer)

    async def _patch(
        self, exchange: Exchange, definition: ResourceDefinition, resource_id: str
    ) -> Response:
        projection = exchange.projection(definition)
        body = await exchange.body()
        answer = await self._service.patch(
            exchange.caller, definition, resource_id, body, projection, exchange.preconditions()
        )
        return _response(answer)

    async def _delete(
        self, exchange: Exchange, definition: ResourceDefinition, resource_id: str
    ) -> Response:
        preconditions = exchange.preconditions()
        return _response(
            await self._service.delete(exchange.caller, definition, resource_id, preconditions)
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


async def _refuse_me(_exchange: Exchange, _item: str) -> Response:
    msg = '"/Me" is not supported: a directory\'s token stands for no person.'
    raise NotSupported(msg)


def _response(answer: Answer) -> Response:
    """Return the response with the answer of a use case."""
    headers = []
    if answer.etag is not None:
        headers.append((b"etag", answer.etag.encode("latin-1")))
    if answer.location is not None:
        name = b"location" if answer.status == 201 else b"content-location"
        headers.append((name, answer.location.encode("latin-1")))
    if answer.resource is None:
        return empty_response(answer.status, headers)
    return json_response(answer.status, answer.content or answer.resource, headers)


def _no_endpoint(exchange: Exchange) -> NotFound:
    shown = quote(exchange.route[:200], safe="/:") or "/"
    return NotFound(f'There is no endpoint "{shown}"; see ResourceTypes for what there is.')
