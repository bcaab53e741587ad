"""A server seen from a raw socket, under each of uvicorn's HTTP parsers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hostile.wire import Wire, complaints, wired


@pytest.fixture(scope="module", params=["httptools", "h11"])
def wire(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Wire]:
    with wired(tmp_path_factory.mktemp("wire"), request.param) as made:
        yield made


@pytest.fixture
def unharmed(wire: Wire) -> Iterator[None]:
    """Check that a test has changed nothing, and that nothing failed."""
    before = wire.state()
    with complaints() as logged:
        yield
    assert [] == logged
    assert before == wire.state()
