"""Every story of what a directory sends is answered as that directory needs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scim_asgi.ids import uuid7
from tests.client import Client
from tests.conftest import Scim

FOLDER = Path(__file__).parent
STORIES = sorted(FOLDER.glob("*/*.json"))


def filled(value: Any, saved: dict[str, str]) -> Any:
    """Return JSON with `{name}` replaced by what was saved under that name."""
    if isinstance(value, dict):
        return {filled(key, saved): filled(each, saved) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, saved) for each in value]
    if isinstance(value, str):
        for name, kept in saved.items():
            value = value.replace(f"{{{name}}}", kept)
    return value


def differences(expected: Any, found: Any, place: str) -> list[str]:
    """Return where an answer is not what it has to be."""
    if expected == "<any>":
        return []
    if isinstance(expected, dict) and isinstance(found, dict):
        lines = []
        for name, wanted in expected.items():
            if wanted == "<absent>":
                lines += [f"{place}.{name} is there: {found[name]!r}"] if name in found else []
            elif name not in found:
                lines.append(f"{place}.{name} is not there")
            else:
                lines += differences(wanted, found[name], f"{place}.{name}")
        return lines
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = enumerate(zip(expected, found, strict=True))
        return [line for index, pair in pairs for line in differences(*pair, f"{place}[{index}]")]
    same = expected == found and isinstance(expected, bool) == isinstance(found, bool)
    return [] if same else [f"{place} is {found!r} and should be {expected!r}"]


def play(client: Client, exchange: dict[str, Any], saved: dict[str, str]) -> list[str]:
    """Send one request and return what is wrong with the answer."""
    request = filled(exchange["request"], saved)
    expected = filled(exchange["response"], saved)
    answer = client.send(
        request["method"], request["path"], request.get("body"), headers=request.get("headers")
    )
    place = f"{request['method']} {request['path']}"
    if answer.status_code != expected["status"]:
        return [f"{place}: {answer.status_code}, not {expected['status']}: {answer.text}"]
    lines = differences(expected.get("headers", {}), dict(answer.headers), f"{place}: headers")
    if "body" in expected:
        body = answer.json() if answer.content else None
        lines += differences(expected["body"], body, f"{place}: body")
    for name, member in exchange.get("save", {}).items():
        saved[name] = answer.json()[member]
    return lines


@pytest.mark.parametrize("path", STORIES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_directory_gets_the_answers_that_it_needs(path: Path, shared: Scim) -> None:
    story = json.loads(path.read_text())
    organization = uuid7()
    client = shared.client(organization)
    saved: dict[str, str] = {}
    for exchange in story["exchanges"]:
        assert not play(client, exchange, saved), story["description"]
    if "accounts" in story:
        accounts = {
            str(each.email_address): each
            for each in shared.product.accounts.values()
            if each.organization_id == organization
        }
        assert set(story["accounts"]) == set(accounts)
        for address, fields in story["accounts"].items():
            assert fields == {name: getattr(accounts[address], name) for name in fields}


def test_there_are_stories() -> None:
    assert {"entra", "entra_compliant", "okta", "google", "rippling", "onelogin"} == {
        path.parent.name for path in STORIES
    }
