"""`make screenshots`: the pictures in docs/images, of a product that a simulated Entra provisions."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import FloatRect, ViewportSize, expect, sync_playwright

from scim_asgi import Guard
from scim_asgi.simulate import Entra
from tests.client import ENTERPRISE, USER, Client
from tests.page.hosts import Host, Hosts, aside
from tests.page.visitors import Visitor, launch, shown_token

_FOLDER = Path("docs/images")
_COLOURS = 128
_ENTRA = {"ADSCIMVersion": "6.0"}
_WIDTH, _HEIGHT = 1120, 760


def main() -> None:
    """Take every picture anew."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack, sync_playwright() as playwright:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        host = Hosts(stack, Path(folder))(guard=Guard(minimum=3, share=0.05))
        browser = launch(playwright)
        view = ViewportSize(width=_WIDTH, height=_HEIGHT)
        visitor = Visitor(browser, host, viewport=view)
        directory = _connect(visitor, host)
        _configure(visitor, host)
        _clash(visitor, Visitor(browser, host, who="grace", viewport=view))
        _everyday(visitor, host, directory)
        _look_only(Visitor(browser, host, who="reader", viewport=view))
        take(Visitor(browser, host, who="stranger", viewport=view), "refused", "")
        browser.close()


def _connect(visitor: Visitor, host: Host) -> Client:
    take(visitor, "overview-empty", "")
    take(visitor, "users-empty", "users")
    take(visitor, "log-empty", "log")
    take(visitor, "setup", "setup")
    page = visitor.go("setup/entra")
    visitor.button("Issue token").click()
    token = shown_token(page)
    _hide_token(visitor)
    save(visitor, "setup-waiting")
    page.reload()
    save(visitor, "setup-shown")
    entra = Entra(host.scim_url, token, users=38, groups=5, cycles=1, seed=3)
    for person in entra.company.people.values():
        # Not every machine has a font for every script.
        if not (person.department or "").isascii():
            person.department = "Finance"
    aside(entra.run())
    take(visitor, "setup-connected", "setup/entra")
    directory = host.directory(token)
    directory.send("GET", "/Users?count=1", headers=_ENTRA)
    return directory


def _hide_token(visitor: Visitor) -> None:
    """Let the page show a token that nobody has."""
    shown = visitor.page.locator("#token")
    shown.evaluate("each => each.textContent = 'scim_' + 'x'.repeat(49)")


def _configure(visitor: Visitor, host: Host) -> None:
    page = visitor.go("mapping")
    visitor.field("SCIM path").fill(f"{ENTERPRISE}.department")
    visitor.field("Account field").fill("public_metadata.department")
    visitor.field("Expression (optional)").fill("{{ value | shout }}")
    visitor.button("Save").click()
    save(visitor, "mapping-error")
    visitor.field("Expression (optional)").first.fill("{{ value | upcase }}")
    page.get_by_role("row", name="public_metadata.department").wait_for()
    save(visitor, "mapping")
    visitor.button("Try it on everybody first").click()
    save(visitor, "mapping-dry-run")
    gate = host.gate()
    visitor.button("Save").click()
    visitor.sees("the product has yet to confirm")
    save(visitor, "mapping-remap")
    gate.open()
    expect(page.locator("#remap section")).to_have_count(0)
    visitor.go("roles")
    visitor.field("1. Whoever is in").fill("acme-admins")
    visitor.field("gets the role").select_option("org:admin")
    visitor.field("Everybody else gets").select_option("org:member")
    visitor.button("Save").click()
    take(visitor, "mapping-history", "mapping/history")
    take(visitor, "roles", "roles")
    take(visitor, "roles-history", "roles/history")


def _clash(visitor: Visitor, other: Visitor) -> None:
    for each, path, field in ((visitor, "title", "title"), (other, "nickName", "nick")):
        each.go("mapping")
        each.field("SCIM path").last.fill(path)
        each.field("Account field").last.fill(f"public_metadata.{field}")
    other.button("Save").click()
    other.sees("The attribute mapping is saved.")
    visitor.button("Save").click()
    save(visitor, "mapping-conflict")
    _question(visitor, "mapping-restore", "mapping/history")
    other.leave()


def _look_only(reader: Visitor) -> None:
    take(reader, "read-only", "mapping")
    reader.leave()


def _everyday(visitor: Visitor, host: Host, directory: Client) -> None:
    directory.post("/Users", {"schemas": [USER], "userName": "contractor-7"}, headers=_ENTRA)
    take(visitor, "overview", "")
    take(visitor, "tokens", "tokens")
    _question(visitor, "token-revoke", "tokens")
    visitor.go("tokens")
    visitor.field("Name").fill("Entra ID, from January")
    visitor.button("Issue token").click()
    visitor.sees("Copy the token now")
    _hide_token(visitor)
    save(visitor, "token-issued")
    take(visitor, "users", "users")
    users = host.http().get("../scim/users").json()["data"]
    take(visitor, "user", f"users/{users[0]['id']}")
    take(visitor, "log", "log")
    rows = host.http().get("../scim/log?outcome=skipped").json()["data"]
    take(visitor, "log-row", f"log/{rows[0]['number']}")
    off = {"op": "replace", "path": "active", "value": False}
    for each in users[:8]:
        directory.patch(f"/Users/{each['id']}", off, headers=_ENTRA)
    take(visitor, "overview-held", "")
    take(visitor, "held", "held")
    _question(visitor, "held-release", "held")
    take(visitor, "problem", "users/nobody")


def _question(visitor: Visitor, name: str, path: str) -> None:
    """Take the picture of the question that comes before something is done."""
    visitor.go(path).locator("main a[data-dialog]").first.click()
    visitor.page.get_by_role("dialog").wait_for()
    save(visitor, name, most=_HEIGHT)


def take(visitor: Visitor, name: str, path: str) -> None:
    """Take the picture of a screen."""
    visitor.go(path)
    save(visitor, name)


def save(visitor: Visitor, name: str, *, most: int = 1500) -> None:
    """Take a picture of what is shown, with few colours and so few bytes."""
    raw = visitor.page.screenshot(full_page=True, clip=_clip(visitor, most))
    picture = Image.open(BytesIO(raw)).convert("RGB")
    picture.quantize(_COLOURS).save(_FOLDER / f"{name}.png", optimize=True)


def _clip(visitor: Visitor, most: int) -> FloatRect:
    height = visitor.page.evaluate("document.documentElement.scrollHeight")
    return FloatRect(x=0, y=0, width=_WIDTH, height=min(height, most))


if __name__ == "__main__":
    main()
