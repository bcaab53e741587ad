"""What an intruder can try, made from the routes and the schemas, so that new ones are tried too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from scim_asgi.http.endpoints import ITEM
from scim_asgi.protocol.definitions import ResourceDefinition
from scim_asgi.protocol.schemas import Attribute
from tests.client import PATCH_OP, SEARCH

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
ROOTS = ("", "/.search")
SAME_FOR_ALL = frozenset(
    {"/Me", "/ServiceProviderConfig", "/ResourceTypes", f"/ResourceTypes/{ITEM}"}
    | {"/Schemas", f"/Schemas/{ITEM}"}
)
"""Routes that show nothing of any organization."""


@dataclass(frozen=True)
class Resource:
    """Something that belongs to the victim, or that nobody has, in the same form."""

    definition: ResourceDefinition
    id: str
    tag: str
    etag: str


@dataclass(frozen=True)
class Attempt:
    """One request."""

    method: str
    path: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.path} {json.dumps(self.body)} {self.headers}"


def sample(definition: ResourceDefinition, tag: str) -> dict[str, Any]:
    """Return a body with a value for everything that a client may set."""
    body: dict[str, Any] = {"schemas": [definition.schema.id]}
    body |= _values(definition.schema.attributes, tag) | {"externalId": f"{tag}-externalId"}
    for extension in definition.extensions.values():
        body[extension.id] = _values(extension.attributes, tag)
    return {name: value for name, value in body.items() if name not in definition.row_attributes}


def _values(attributes: tuple[Attribute, ...], tag: str) -> dict[str, Any]:
    writable = [each for each in attributes if each.mutability != "readOnly"]
    return {each.name: value(each, tag) for each in writable}


def value(attribute: Attribute, tag: str) -> Any:
    """Return a value of an attribute with the tag in it, where it is a text."""
    if attribute.is_complex:
        one: Any = _values(attribute.sub_attributes, tag)
    else:
        one = {
            "boolean": True,
            "integer": 7,
            "decimal": 1.5,
            "dateTime": "2026-01-31T10:00:00Z",
            "binary": "dmljdGlt" if tag == "victim" else "bm9ib2R5",
        }.get(attribute.type, f"{tag}-{attribute.name}@x.test")
    return [one] if attribute.multi_valued else one


def paths(definition: ResourceDefinition) -> Iterator[tuple[str, Attribute]]:
    """Yield every path that can be filtered and sorted by, with its attribute."""
    for extension, attribute in definition.all_attributes():
        if attribute.is_hidden:
            continue
        prefix = "" if extension is None else f"{extension.id}:"
        if not attribute.is_complex:
            yield f"{prefix}{attribute.name}", attribute
        for sub in attribute.sub_attributes:
            if not sub.is_hidden:
                yield f"{prefix}{attribute.name}.{sub.name}", sub


def literal(path: str, attribute: Attribute, resource: Resource) -> str:
    """Return what a filter on a path compares with to find a resource."""
    if path in ("id", "members.value", "groups.value"):
        return f'"{resource.id}"'
    if path == "meta.version":
        return json.dumps(resource.etag)
    found = value(attribute, resource.tag)
    return json.dumps(found[0] if isinstance(found, list) else found)


def item_attempts(methods: tuple[str, ...], resource: Resource) -> Iterator[Attempt]:
    """Yield every method on one resource, with every kind of precondition and body."""
    definition, path = resource.definition, f"{resource.definition.endpoint}/{resource.id}"
    bodies: dict[str, list[Any]] = {
        "PUT": [sample(definition, "intruder"), {"schemas": []}, {}],
        "PATCH": [
            {
                "schemas": [PATCH_OP],
                "Operations": [{"op": "replace", "path": "externalId", "value": "taken"}],
            },
            {"schemas": [PATCH_OP], "Operations": [{"op": "move"}]},
            {},
        ],
    }
    headers: list[dict[str, str]] = [{}]
    headers += [{name: resource.etag} for name in ("If-Match", "If-None-Match")]
    headers += [{name: "*"} for name in ("If-Match", "If-None-Match")]
    for method in (*methods, *(["HEAD"] if "GET" in methods else [])):
        for body in bodies.get(method, [None]):
            for each in headers:
                yield Attempt(method, path, body, each)
        yield Attempt(method, f"{path}?attributes=id", bodies.get(method, [None])[0])
        yield Attempt(method, f"/{path}/", bodies.get(method, [None])[0])


def query_attempts(path: str, resource: Resource) -> Iterator[Attempt]:
    """Yield every filter and order of a list that may show a resource."""
    for name, attribute in paths(resource.definition):
        equal = literal(name, attribute, resource)
        operators = ["eq"] if attribute.type in ("boolean", "binary") else ["eq", "ge", "le"]
        operators += ["co", "sw"] if attribute.type == "string" else []
        filters = [f"{name} {operator} {equal}" for operator in operators]
        for each in (*filters, f"{name} pr", f'not ({name} eq {equal}) or id eq "{resource.id}"'):
            yield _query(path, filter=each)
        yield _query(path, sortBy=name, attributes=name)


def _query(path: str, **parameters: str) -> Attempt:
    if path.endswith("/.search"):
        body = {"schemas": [SEARCH], **parameters}
        if "attributes" in parameters:
            body["attributes"] = [parameters["attributes"]]
        return Attempt("POST", path, body)
    query = "&".join(f"{name}={quote(text)}" for name, text in parameters.items())
    return Attempt("GET", f"{path}?{query}")


def bulk_attempts(resource: Resource) -> Iterator[Attempt]:
    """Yield bulk requests that change a resource, or make others that name it."""
    path = f"{resource.definition.endpoint}/{resource.id}"
    change = {"op": "remove", "path": "externalId"}
    operations: list[dict[str, Any]] = [
        {"method": "DELETE", "path": path},
        {"method": "DELETE", "path": path, "version": resource.etag},
        {"method": "PUT", "path": path, "data": sample(resource.definition, "intruder")},
        {
            "method": "PATCH",
            "path": path,
            "data": {"schemas": [PATCH_OP], "Operations": [change]},
        },
    ]
    for each in operations:
        yield Attempt("POST", "/Bulk", {"schemas": [BULK], "Operations": [each]})
    yield Attempt("POST", "/Bulk", {"schemas": [BULK], "Operations": operations})


def naming_bodies(definition: ResourceDefinition, other: str, name: str) -> Iterator[Any]:
    """Yield bodies of new resources that name another by its id, in every place that can."""
    plain: dict[str, Any] = {"schemas": [definition.schema.id]}
    plain |= {each.name: name for each in definition.schema.attributes if each.required}
    for extension, attribute in definition.all_attributes():
        if attribute.mutability == "readOnly" or "value" not in attribute.subs:
            continue
        for reference in ({"value": other}, {"$ref": f"https://x.test/Users/{other}"}):
            if attribute.subs["value"].required and "value" not in reference:
                continue
            given: Any = [reference] if attribute.multi_valued else reference
            inner = {attribute.name: given}
            yield plain | (inner if extension is None else {extension.id: inner})
