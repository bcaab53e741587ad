"""The doctor: what directories would stumble over at a SCIM deployment, found by reading only.

It needs httpx: ``pip install 'scim-asgi[simulate]'``.
"""

from scim_asgi.doctor.catalogue import CHECKS, DIRECTORIES
from scim_asgi.doctor.diagnosis import diagnose
from scim_asgi.doctor.errors import NothingToCheck
from scim_asgi.doctor.findings import Finding, Level, Report

__all__ = ["CHECKS", "DIRECTORIES", "Finding", "Level", "NothingToCheck", "Report", "diagnose"]
