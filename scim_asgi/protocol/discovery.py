"""What the server says about itself (RFC 7643 sections 5 to 7, RFC 7644 section 4)."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from scim_asgi.protocol.definitions import Registry
from scim_asgi.protocol.errors import NotFound
from scim_asgi.protocol.schemas import Schema

SERVICE_PROVIDER_CONFIG = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"


class Features(Struct, frozen=True, kw_only=True):
    """What the server does, as `/ServiceProviderConfig` says it.

    Attributes:
        default_count: How many resources a page has when nobody asks for a number.
        max_results: How many resources a page has at most.
        max_payload_size: How many bytes of a body are read.
        max_operations: How many operations a bulk request has at most.
        cursor_timeout: Seconds that a cursor may be used.
        unpublished: What `/Schemas` leaves out: names of attributes, or ``attribute.sub``.
    """

    default_count: int
    max_results: int
    max_payload_size: int
    max_operations: int
    cursor_timeout: int
    unpublished: tuple[str, ...] = ()


class Discovery:
    """Makes the discovery resources.

    Args:
        registry: The resource types.
        features: What the server does.
    """

    def __init__(self, registry: Registry, features: Features) -> None:
        self._registry = registry
        self._features = features
        self._unpublished = frozenset(name.casefold() for name in features.unpublished)

    def service_provider_config(self, base_url: str) -> dict[str, Any]:
        """Return the ServiceProviderConfig resource (with `pagination` of RFC 9865 section 4)."""
        return {
            "schemas": [SERVICE_PROVIDER_CONFIG],
            "patch": {"supported": True},
            "bulk": {
                "supported": True,
                "maxOperations": self._features.max_operations,
                "maxPayloadSize": self._features.max_payload_size,
            },
            "pagination": {
                "cursor": True,
                "index": True,
                "defaultPaginationMethod": "index",
                "defaultPageSize": self._features.default_count,
                "maxPageSize": self._features.max_results,
                "cursorTimeout": self._features.cursor_timeout,
            },
            "filter": {"supported": True, "maxResults": self._features.max_results},
            "changePassword": {"supported": True},
            "sort": {"supported": True},
            "etag": {"supported": True},
            "authenticationSchemes": [
                {
                    "type": "oauthbearertoken",
                    "name": "Bearer token",
                    "description": "A SCIM token in the Authorization header.",
                    "specUri": "https://www.rfc-editor.org/info/rfc6750",
                    "primary": True,
                }
            ],
            "meta": {
                "resourceType": "ServiceProviderConfig",
                "location": f"{base_url}/ServiceProviderConfig",
            },
        }

    def resource_types(self, base_url: str) -> list[dict[str, Any]]:
        """Return all ResourceType resources."""
        return [
            _with_meta(definition.resource_type.to_wire(), "ResourceType", base_url)
            for definition in self._registry.definitions
        ]

    def schemas(self, base_url: str) -> list[dict[str, Any]]:
        """Return all Schema resources."""
        return [
            _with_meta(self._published(schema), "Schema", base_url)
            for schema in self._registry.schemas.values()
        ]

    def _published(self, schema: Schema) -> dict[str, Any]:
        """Return a schema without what a validator that reads it would stumble over."""
        wire = schema.to_wire()
        if not self._unpublished:
            return wire
        attributes = self._shown(wire["attributes"], "")
        for attribute in attributes:
            if "subAttributes" in attribute:
                path = f"{attribute['name']}."
                attribute["subAttributes"] = self._shown(attribute["subAttributes"], path)
        return {**wire, "attributes": attributes}

    def _shown(self, attributes: list[dict[str, Any]], prefix: str) -> list[dict[str, Any]]:
        return [
            each
            for each in attributes
            if f"{prefix}{each['name']}".casefold() not in self._unpublished
        ]

    def resource_type(self, name: str, base_url: str) -> dict[str, Any]:
        """Return one ResourceType resource.

        Raises:
            NotFound: There is none of that name.
        """
        return _find(self.resource_types(base_url), name, "resource type")

    def schema(self, urn: str, base_url: str) -> dict[str, Any]:
        """Return one Schema resource; URNs match in any case.

        Raises:
            NotFound: There is none with that URN.
        """
        return _find(self.schemas(base_url), urn, "schema")


def _find(resources: list[dict[str, Any]], wanted: str, kind: str) -> dict[str, Any]:
    for resource in resources:
        if resource["id"].casefold() == wanted.casefold():
            return resource
    msg = f'There is no {kind} "{wanted[:200]}".'
    raise NotFound(msg)


def _with_meta(resource: dict[str, Any], resource_type: str, base_url: str) -> dict[str, Any]:
    location = f"{base_url}/{resource_type}s/{resource['id']}"
    return {**resource, "meta": {"resourceType": resource_type, "location": location}}
