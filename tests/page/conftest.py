"""A served host with the Directory sync page, and a browser to visit it with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest
from playwright.sync_api import Browser, sync_playwright

from scim_asgi import Guard
from tests.page.hosts import Host, Hosts
from tests.page.visitors import Visitor, launch

T = TypeVar("T")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A headless Chromium, with a user data directory of its own."""
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        yield chromium
        chromium.close()


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    """Serve hosts for a test."""
    with ExitStack() as stack:
        yield Hosts(stack, tmp_path)


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A served host that tests share: starting one takes longer than most of them."""
    with ExitStack() as stack:
        yield Hosts(stack, tmp_path_factory.mktemp("server"))()


@pytest.fixture(scope="package")
def guarded_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Likewise, where more than one of ten deactivations is held."""
    with ExitStack() as stack:
        guard = Guard(minimum=1, share=0.1)
        yield Hosts(stack, tmp_path_factory.mktemp("guarded"))(guard=guard)


@pytest.fixture
def host(server: Host) -> Iterator[Host]:
    """An organization for this test alone, with a product of its own."""
    with ExitStack() as stack:
        yield server.anew(stack)


@pytest.fixture
def guarded(guarded_server: Host) -> Iterator[Host]:
    """Likewise, with the guard."""
    with ExitStack() as stack:
        yield guarded_server.anew(stack)


@pytest.fixture
def visitors(browser: Browser) -> Iterator[list[Visitor]]:
    """Those who look at the page; what their browser had to complain about fails the test."""
    there: list[Visitor] = []
    yield there
    for visitor in there:
        visitor.leave()
    assert [] == [each for visitor in there for each in visitor.complaints]


@pytest.fixture
def visit(browser: Browser, host: Host, visitors: list[Visitor]) -> Visitor:
    """Somebody at the page of the host."""
    return come(browser, host, visitors)


def come(browser: Browser, host: Host, visitors: list[Visitor], **options: Any) -> Visitor:
    """Let somebody look at the page; the options are those of a browser context."""
    visitor = Visitor(browser, host, **options)
    visitors.append(visitor)
    return visitor
