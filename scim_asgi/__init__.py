"""A SCIM 2.0 server to mount into an ASGI product: directories provision its accounts."""

from scim_asgi.app import ScimApp
from scim_asgi.errors import ScimAsgiError
from scim_asgi.http.authentication import BearerTokenMiddleware
from scim_asgi.http.rate_limit import RateLimitMiddleware
from scim_asgi.mapping.errors import MappingError
from scim_asgi.mapping.fields import Account
from scim_asgi.mapping.roles import RoleRule, RoleRules
from scim_asgi.protocol.core import read_resource_types
from scim_asgi.protocol.definitions import ResourceDefinition
from scim_asgi.protocol.limits import Limits
from scim_asgi.provisioning.guard import Guard
from scim_asgi.provisioning.hooks import (
    AccountConflict,
    AccountRejected,
    HookContext,
    TryAgainLater,
)
from scim_asgi.provisioning.retention import LogRetention

__all__ = [
    "Account",
    "AccountConflict",
    "AccountRejected",
    "BearerTokenMiddleware",
    "Guard",
    "HookContext",
    "Limits",
    "LogRetention",
    "MappingError",
    "RateLimitMiddleware",
    "ResourceDefinition",
    "RoleRule",
    "RoleRules",
    "ScimApp",
    "ScimAsgiError",
    "TryAgainLater",
    "read_resource_types",
]
