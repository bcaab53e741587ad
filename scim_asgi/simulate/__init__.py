"""Directories as clients, for trying a SCIM server and a host's hooks without a tenant.

It needs the extra: ``pip install 'scim-asgi[simulate]'``.
"""

from importlib.util import find_spec

from scim_asgi.errors import MissingExtra

if find_spec("httpx") is None:
    raise MissingExtra("simulate")

from scim_asgi.simulate.authentik import Authentik
from scim_asgi.simulate.client import Exchange, Failure, Stopped
from scim_asgi.simulate.cyberark import CyberArk
from scim_asgi.simulate.entra import Entra
from scim_asgi.simulate.google import Google
from scim_asgi.simulate.jumpcloud import JumpCloud
from scim_asgi.simulate.keycloak import Keycloak
from scim_asgi.simulate.okta import Okta
from scim_asgi.simulate.onelogin import OneLogin
from scim_asgi.simulate.ping import Ping
from scim_asgi.simulate.plain import Plain
from scim_asgi.simulate.report import Refused, Report
from scim_asgi.simulate.rippling import Rippling
from scim_asgi.simulate.sailpoint import SailPoint
from scim_asgi.simulate.simulator import Simulator

SIMULATORS: dict[str, type[Simulator]] = {
    each.name: each
    for each in (
        Entra,
        Okta,
        Google,
        Rippling,
        OneLogin,
        JumpCloud,
        Ping,
        Authentik,
        Keycloak,
        CyberArk,
        SailPoint,
    )
}

__all__ = [
    "SIMULATORS",
    "Authentik",
    "CyberArk",
    "Entra",
    "Exchange",
    "Failure",
    "Google",
    "JumpCloud",
    "Keycloak",
    "Okta",
    "OneLogin",
    "Ping",
    "Plain",
    "Refused",
    "Report",
    "Rippling",
    "SailPoint",
    "Simulator",
    "Stopped",
]
