"""The doctor: what directories would stumble over at a SCIM deployment, found by reading only.

It needs the extra: ``pip install 'scim-asgi[simulate]'``.
"""

from importlib.util import find_spec

from scim_asgi.errors import MissingExtra

if find_spec("httpx") is None:
    raise MissingExtra("simulate")

from scim_asgi.doctor.catalogue import CHECKS, DIRECTORIES
from scim_asgi.doctor.diagnosis import diagnose
from scim_asgi.doctor.findings import Finding, Level, Report
from scim_asgi.remote import UnusableTarget

__all__ = ["CHECKS", "DIRECTORIES", "Finding", "Level", "Report", "UnusableTarget", "diagnose"]
