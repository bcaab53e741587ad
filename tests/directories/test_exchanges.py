"""Every case of what a directory sends is answered as that directory needs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scim_asgi.ids import uuid7
from tests.conftest import Scim
from tests.directories.cases import directories, paths, read_case
from tests.directories.play import Player

DIRECTORIES = directories()
CASES = paths()
CASE = {
    "description": "d",
    "source": "entra 3.4",
    "request": "GET /Users",
    "status": 200,
    "response": {},
}


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_directory_gets_the_answers_that_it_needs(
    path: Path, shared: Scim, request: pytest.FixtureRequest
) -> None:
    case = read_case(path.read_bytes())
    scim = request.getfixturevalue("serve")(**case.server) if case.server else shared
    organization = uuid7()
    player = Player(scim, scim.client(organization), organization, DIRECTORIES[path.parent.name])
    problems = player.play(case)
    assert not problems, "\n".join([case.description, *problems])


def test_every_directory_has_cases() -> None:
    assert set(DIRECTORIES) == {path.parent.name for path in CASES}
    assert len(CASES) >= 150


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"reqest": "GET /Users"}, "reqest"),
        ({"then": {"show": {}}}, "show"),
        ({"source": "somewhere"}, "source"),
        ({"request": "/Users"}, "method and a path"),
        ({"status": "200"}, "status"),
        ({"body": {}, "operations": []}, "one of body"),
        ({"given": {"user": {}}}, "user"),
        ({"steps": []}, "unknown field"),
        ({"response": None}, "more than a status"),
        ({"response": None, "then": {}, "save": "ada"}, "more than a status"),
    ],
)
def test_a_misspelt_case_is_refused(members: dict[str, Any], why: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=why):
        read_case(json.dumps({**CASE, **members}).encode())
