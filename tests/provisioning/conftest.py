"""Here every test has a server of its own, because it looks at what the product was told."""

from __future__ import annotations

import pytest

from tests.client import Client
from tests.conftest import Scim


@pytest.fixture
def client(scim: Scim) -> Client:
    """A client of the organization `acme` on the test's own server."""
    return scim.client()
