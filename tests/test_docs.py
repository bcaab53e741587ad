"""The documents: links lead somewhere, commands exist, and quoted errors are what is answered."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from scim_asgi.cli import main
from scim_asgi.doctor import CHECKS, DIRECTORIES
from tests.client import Client
from tests.conftest import Scim, Served

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    path
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("tests/**/README.md"))
)
WALKTHROUGHS = ("entra", "okta", "google-workspace", "rippling")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(path: Path) -> set[str]:
    """Return the anchors of a document's headings, as they are made from their text."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), flags=re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", each.casefold()) for each in headings)
    return {each.replace(" ", "-") for each in plain}


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_each_link_within_the_project_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        found = (path.parent / file).resolve() if file else path
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


def find(words: list[str]) -> tuple[click.Command, list[str]]:
    """Return the command that some words name, and the words behind it."""
    command: click.Command = main
    while isinstance(command, click.Group) and words:
        inner = command.get_command(click.Context(command), words[0])
        if inner is None:
            break
        command, words = inner, words[1:]
    return command, words


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_each_command_in_a_document_exists_with_its_options(path: Path) -> None:
    for line in re.findall(r"(?:^|`)scim-asgi +([a-z][^`\n]*)", path.read_text(), re.MULTILINE):
        words = re.split(r"\s+", line.partition("#")[0].strip())
        command, rest = find(words)
        assert command is not main, line
        known = {
            option for each in command.get_params(click.Context(command)) for option in each.opts
        }
        assert not {each for each in rest if each.startswith("--")} - known, line


def test_each_check_of_the_doctor_is_documented() -> None:
    listed = re.findall(
        r"^\| `([a-z][a-z-]+)` \|", (ROOT / "docs/check.md").read_text(), re.MULTILINE
    )
    assert list(CHECKS) == listed


@pytest.mark.parametrize("walkthrough", WALKTHROUGHS)
def test_each_walkthrough_has_what_an_admin_looks_for(walkthrough: str) -> None:
    text = (ROOT / f"docs/directories/{walkthrough}.md").read_text()
    for heading in ("A token", "Connect", "One person first", "eavers", "Troubleshooting"):
        assert re.search(f"^##.*{heading}", text, re.MULTILINE), heading
    assert "| symptom | cause | what to do |" in text
    assert "2026-11" in text
    assert re.search(r"--directory (\w+)", text)[1] in DIRECTORIES  # type: ignore[index]


def test_the_other_directories_are_listed() -> None:
    text = (ROOT / "docs/directories/README.md").read_text()
    for each in ("OneLogin", "JumpCloud", "Ping", "CyberArk", "SailPoint", "authentik", "Keycloak"):
        assert f"| {each}" in text


def quoted(text: str) -> set[str]:
    """Return the beginnings of this server's texts that a document quotes, as far as given."""
    return {each.partition("…")[0].strip() for each in re.findall("“([^”]+)”", text)}


def details(scim: Scim, client: Client) -> list[str]:
    """Return the texts that the documents may quote, provoked one by one."""
    user = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"]}
    wrong = Client(scim.base_url, "scim_wrong")
    client.create_user("ada@acme.test")
    answers = [
        wrong.get("/Users"),
        client.get("/Users", headers={"Authorization": ""}),
        client.get("/Nowhere"),
        client.get("/Users/nobody"),
        client.post("/Users", user),
        client.post("/Users", {**user, "userName": "ada"}),
        client.post("/Users", {**user, "userName": "Ada@acme.test"}),
    ]
    wrong.close()
    client.create_group("Ops", "nobody")
    notes = [note for row in scim.log() for note in row.notes]
    return [*(each.json()["detail"] for each in answers), *notes]


def test_the_errors_that_walkthroughs_quote_are_those_of_this_server(serve: Served) -> None:
    scim = serve(rate_limit="14/minute")
    client = scim.client()
    told = details(scim, client)
    while (answer := client.get("/Users")).status_code == 200:
        pass
    told.append(answer.json()["detail"])
    starts = (
        "The bearer token is not valid",
        "The request has no bearer token",
        "There is no endpoint",
        "There is no User",
        '"userName" is required',
        'The account field "email_address"',
        "Another User has this",
        "members skipped",
        "More than",
    )
    found = set()
    for walkthrough in WALKTHROUGHS:
        text = (ROOT / f"docs/directories/{walkthrough}.md").read_text()
        for quote in quoted(text):
            start = next((each for each in starts if quote.startswith(each)), None)
            if start is not None:
                assert any(each.startswith(quote) for each in told), quote
                found.add(start)
    assert set(starts) == found
