"""Directories as clients, for trying a SCIM server and a host's hooks without a tenant.

It needs the extra: ``pip install 'scim-asgi[simulate]'``.
"""

from importlib.util import find_spec

from scim_asgi.errors import MissingExtra

if find_spec("httpx") is None:
    raise MissingExtra("simulate")

from scim_asgi.simulate.client import Exchange, Failure, Stopped
from scim_asgi.simulate.entra import Entra
from scim_asgi.simulate.okta import Okta
from scim_asgi.simulate.report import Refused, Report
from scim_asgi.simulate.simulator import Simulator

SIMULATORS: dict[str, type[Simulator]] = {each.name: each for each in (Entra, Okta)}

__all__ = [
    "SIMULATORS",
    "Entra",
    "Exchange",
    "Failure",
    "Okta",
    "Refused",
    "Report",
    "Simulator",
    "Stopped",
]
