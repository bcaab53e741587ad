"""A served host with the Directory sync page, and a browser to visit it with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest
from playwright.sync_api import Browser, sync_playwright

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


@pytest.fixture
def host(hosts: Hosts) -> Host:
    """A served host, for this test alone."""
    return hosts()


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
    """Somebody at the page of the organization acme."""
    return come(browser, host, visitors)


def come(browser: Browser, host: Host, visitors: list[Visitor], **options: Any) -> Visitor:
    """Let somebody look at the page; the options are those of a browser context."""
    visitor = Visitor(browser, host, **options)
    visitors.append(visitor)
    return visitor
