"""Endpoints of the connection: the URL for the directory, and how it stands."""

from __future__ import annotations

from msgspec import Struct
from starlette.responses import Response

from scim_asgi.admin.mount import require_scim_url
from scim_asgi.admin.routes import SCIM, Asked, Route, answer
from scim_asgi.provisioning.connections import ConnectionStatus


class Endpoint(Struct, frozen=True, kw_only=True):
    """What the admin pastes into the directory.

    Attributes:
        endpoint_url: The base URL of SCIM.
        entra_endpoint_url: The same as Entra wants it: its Tenant URL.
    """

    endpoint_url: str
    entra_endpoint_url: str


def endpoint_of(scim_url: str) -> Endpoint:
    """Return what the admin pastes into the directory, from the URL of the SCIM mount."""
    url = f"{scim_url}/"
    return Endpoint(endpoint_url=url, entra_endpoint_url=f"{url}?aadOptscim062020")


async def endpoint(asked: Asked) -> Response:
    return answer(endpoint_of(require_scim_url(asked.scim_url)))


async def status(asked: Asked) -> Response:
    return answer(await asked.runtime.connections.status(asked.organization_id))


ROUTES = (
    Route(
        method="GET",
        path=f"{SCIM}/endpoint",
        name="get_endpoint",
        summary="Get the URL that the directory has to be given.",
        needs="read",
        handler=endpoint,
        answer=Endpoint,
    ),
    Route(
        method="GET",
        path=f"{SCIM}/status",
        name="get_status",
        summary="Get how the connection stands.",
        needs="read",
        handler=status,
        answer=ConnectionStatus,
    ),
)
