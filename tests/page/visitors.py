"""People at a browser."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal
from weakref import WeakKeyDictionary

import axe_playwright_python  # type: ignore[import-untyped]
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Playwright,
    Route,
    expect,
)

from tests.page.hosts import Host

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 60_000
expect.set_options(timeout=PATIENCE)
TOKEN = re.compile(r"scim_[0-9A-Za-z]{49}")

_AXE = next(Path(axe_playwright_python.__file__).parent.glob("axe.min.js")).read_text()
_RELOAD = re.compile(r'"refresh" content="(\d+)"')
_REFRESH = re.compile(r' data-refresh="(\d+)"')
_WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
});
"""


def launch(playwright: Playwright) -> Browser:
    """Start Debian's Chromium, which uses a new empty user data directory."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


def _context(browser: Browser, who: str, options: dict[str, Any]) -> BrowserContext:
    """Return where somebody is signed in; it takes longer to make than a tab, and tests share it."""
    settings = {"reduced_motion": "reduce", **options}
    for context in browser.contexts:
        if _SETTINGS.get(context) == (who, settings):
            return context
    context = browser.new_context(**settings)
    context.set_default_timeout(PATIENCE)
    # Cookies are of a host, whatever its port.
    context.add_cookies([{"name": "who", "value": who, "url": "http://127.0.0.1"}])
    context.add_init_script(_WATCH)
    _SETTINGS[context] = (who, settings)
    return context


_SETTINGS: WeakKeyDictionary[BrowserContext, tuple[str, dict[str, Any]]] = WeakKeyDictionary()


class Visitor:
    """Somebody at the page of a host.

    Attributes:
        page: The browser's page.
        complaints: Errors of the script, of the network, and of the Content-Security-Policy.
    """

    def __init__(self, browser: Browser, host: Host, *, who: str = "ada", **options: Any) -> None:
        self.host = host
        self.complaints: list[str] = []
        self.page: Page = _context(browser, who, options).new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _heard(self, message: ConsoleMessage) -> None:
        # Pages that are refused on purpose are answered with 403 to 422, which Chromium tells.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def hurry(self, path: str, milliseconds: int) -> set[int]:
        """Let a screen look again sooner than it says; return how long it says, in milliseconds."""
        said: set[int] = set()

        def sooner(route: Route) -> None:
            response = route.fetch()
            text = response.text()
            said.update(int(each) * 1000 for each in _RELOAD.findall(text))
            said.update(map(int, _REFRESH.findall(text)))
            text = _RELOAD.sub(f'"refresh" content="{milliseconds // 1000}"', text)
            text = _REFRESH.sub(f' data-refresh="{milliseconds}"', text)
            route.fulfill(response=response, body=text)

        self.page.route(f"{self.host.page_url}/{path}", sooner)
        return said

    def go(self, path: str = "") -> Page:
        """Go to a screen by its address."""
        self.page.goto(f"{self.host.page_url}{'/' + path if path else ''}")
        return self.page

    def leave(self) -> None:
        """Close the tab: nothing of it is kept, since the page keeps nothing in a browser."""
        self.page.close()

    def link(self, name: str) -> Locator:
        """Return the link with a name."""
        return self.page.get_by_role("link", name=name, exact=True)

    def button(self, name: str) -> Locator:
        """Return the button with a name."""
        return self.page.get_by_role("button", name=name, exact=True)

    def field(self, name: str) -> Locator:
        """Return the field with a label."""
        return self.page.get_by_label(name, exact=True)

    def sees(self, text: str | re.Pattern[str]) -> None:
        """Check that the screen shows a text, as soon as it does."""
        expect(self.page.locator("main")).to_contain_text(text)

    def tab_to(self, name: str) -> None:
        """Press Tab until something with a name has the focus, which has to be visible."""
        for _ in range(60):
            self.page.keyboard.press("Tab")
            focused = self.page.evaluate(_FOCUSED)
            if focused["name"] == name:
                assert focused["outline"], f"the focus on {name} cannot be seen"
                return
        pytest_fail(f"{name} cannot be reached by Tab")

    def check(self) -> None:
        """Check a screen, light and wide, then dark and narrow.

        axe finds nothing, no policy was violated, nothing is too wide.
        """
        self._bring_axe()
        assert [] == self.page.evaluate("window.violations"), self.page.url
        assert 1 == self.page.locator("h1").count(), self.page.url
        self._look("light", 1280)
        self._look("dark", 320)
        self.page.set_viewport_size({"width": 1280, "height": 800})

    def _bring_axe(self) -> None:
        """Let axe be on this page and the next ones; those who check nothing do not wait for it."""
        if not self.page.evaluate("'axe' in window"):
            self.page.add_init_script(_AXE)
            self.page.evaluate(_AXE)

    def _look(self, scheme: Literal["light", "dark"], width: int) -> None:
        self.page.emulate_media(color_scheme=scheme)
        self.page.set_viewport_size({"width": width, "height": 800})
        what = f"{self.page.url}, {scheme}, {width} px"
        wide = self.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{what}: {wide} px"
        told = self.page.evaluate(_RUN_AXE, {"resultTypes": ["violations"]})
        assert not told, f"{what}: {told}"


_RUN_AXE = """async (options) => {
  const { violations } = await axe.run(document, options);
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html)}`);
}"""
_FOCUSED = """() => {
  const element = document.activeElement;
  const label = element.labels?.[0] ?? element;
  const style = getComputedStyle(element);
  return {
    name: (element.getAttribute("aria-label") ?? label.textContent).trim().replace(/\\s+/g, " "),
    outline: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0,
  };
}"""


def pytest_fail(reason: str) -> None:
    """Fail the test."""
    raise AssertionError(reason)


def shown_token(page: Page) -> str:
    """Return the token that a page shows."""
    text = page.locator("#token").inner_text()
    assert TOKEN.fullmatch(text), text
    return text
