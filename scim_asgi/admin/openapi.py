"""The OpenAPI 3.1 document of the admin API, generated from its routes and their structs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from scim_asgi.admin.errors import ErrorList
from scim_asgi.admin.routes import Route

_REF = "#/components/schemas/{name}"
_ATTRIBUTE = re.compile(r"^    (\w+): ?(.*)$")
_WHY = {
    401: "Nobody is known to have asked.",
    403: "Whoever asks may not do this.",
    404: "There is no such organization, token or user, or it is somebody else's.",
    422: "The request cannot be used; every problem is named.",
}
_CONFLICT = "Something else was saved since the version that If-Match names; nothing was changed."
_ETAG = {"schema": {"type": "string"}, "description": "The version in force, for If-Match."}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of the version that the change was made from. Without it, or with *, "
    "whatever is in force is replaced.",
    "schema": {"type": "string"},
}
_PATH_PARAMETER = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "pattern": r"^[^/\x00-\x1f\x7f]+$",
}


def openapi(routes: Sequence[Route], url: str = "/") -> dict[str, Any]:
    """Return the document.

    Args:
        routes: The endpoints.
        url: Where the admin app is mounted.
    """
    types = {id(each): each for route in routes for each in _types(route)}
    schemas, components = msgspec.json.schema_components(types.values(), ref_template=_REF)
    by_type = dict(zip(types, schemas, strict=True))
    for component in components.values():
        _describe(component)
    paths: dict[str, Any] = {}
    for route in routes:
        operation = _operation(route, by_type)
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "scim-asgi admin API",
            "version": "1",
            "description": "What an organization's admins may see and change of its directory "
            "connection. Times are Unix milliseconds.",
        },
        "servers": [{"url": url}],
        "security": [{"secret_key": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "secret_key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The host's SecretKey, or whatever else its `authorize` takes.",
                }
            },
        },
    }


def _types(route: Route) -> Iterable[Any]:
    yield from (route.answer, ErrorList)
    if route.body is not None:
        yield route.body


def _operation(route: Route, schemas: dict[int, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": [
            *_path_parameters(route),
            *_query_parameters(route),
            *([_IF_MATCH] if _is_conditional(route) else []),
        ],
        "responses": _responses(route, schemas),
    }
    if route.body is not None:
        operation["requestBody"] = {
            "required": not route.is_body_optional,
            "content": {"application/json": {"schema": schemas[id(route.body)]}},
        }
    return operation


def _is_conditional(route: Route) -> bool:
    """Return whether a request may say which version it changes."""
    return route.is_versioned and route.method != "GET"


def _path_parameters(route: Route) -> Iterable[dict[str, Any]]:
    for name in re.findall(r"\{(\w+)\}", route.path):
        yield {"name": name, "in": "path", "required": True, "schema": _PATH_PARAMETER}


def _query_parameters(route: Route) -> Iterable[dict[str, Any]]:
    # Nothing refers to the structs of queries: each field is a parameter of its own.
    _, components = msgspec.json.schema_components([route.query], ref_template=_REF)
    schema = components[route.query.__name__]
    required = schema.get("required", [])
    for name, found in schema["properties"].items():
        yield {
            "name": name,
            "in": "query",
            "required": name in required,
            "schema": _without_null(found),
        }


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a query parameter: it is left out, not null."""
    kept = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
    if schema.get("default") is not None:
        kept["default"] = schema["default"]
    choices = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if "enum" in kept:
        kept["enum"] = [each for each in kept["enum"] if each is not None]
    return {**choices[0], **kept} if choices else kept


def _responses(route: Route, schemas: dict[int, Any]) -> dict[str, Any]:
    wrong = {"application/json": {"schema": schemas[id(ErrorList)]}}
    content: dict[str, Any] = {"application/json": {"schema": schemas[id(route.answer)]}}
    content.update({each: {"schema": {"type": "string"}} for each in route.media_types})
    done: dict[str, Any] = {"description": "Done.", "content": content}
    why = dict(_WHY)
    if route.is_versioned:
        done["headers"] = {"ETag": _ETAG}
    if _is_conditional(route):
        why[412] = _CONFLICT
    return {
        str(route.status): done,
        **{str(status): {"description": said, "content": wrong} for status, said in why.items()},
        "default": {"description": "Refused for another reason.", "content": wrong},
    }


def _describe(schema: dict[str, Any]) -> None:
    """Take a component's docstring apart: the struct's own words, and those of each field."""
    summary, _, attributes = schema.get("description", "").partition("Attributes:\n")
    schema["description"] = " ".join(summary.split())
    for name, said in _attributes(attributes):
        if name in schema.get("properties", {}):
            schema["properties"][name]["description"] = said


def _attributes(text: str) -> Iterable[tuple[str, str]]:
    """Yield name and meaning of what a docstring's section of attributes has."""
    name, said = "", ""
    for line in text.splitlines():
        match = _ATTRIBUTE.match(line)
        if match is not None:
            if name:
                yield name, said
            name, said = match[1], match[2]
        elif line.strip():
            said = f"{said} {line.strip()}"
    if name:
        yield name, said
