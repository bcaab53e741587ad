"""The public conformance tools find nothing wrong with a served instance."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import CheckResult, Status, check_server

from tests.commands import command_here, served

DEVICE = Path(__file__).parent / "device.json"
BEYOND_THE_TOOL = {"note", "weight", "seenAt", "blob", "hint", "pin", "badge"}
"""Attributes of Device that scim2-tester 0.5 cannot test.

It fills numbers with fractions and dates with random texts, compares base64 with the bytes that it
stands for, and expects what is returned on request, or never, in every answer.
"""


@pytest.fixture
def url_and_token(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """A served instance without hooks and limits, with an empty organization and Device."""
    schemas = tmp_path / "schemas.json"
    schemas.write_text(json.dumps(request.param()))
    arguments = ("--rate-limit", "none", "--group-patch-body", "--schemas", str(schemas))
    with served(tmp_path, *arguments) as (url, _):
        issued = command_here(tmp_path, "token", "issue", "tools", "--name", "tools")
        yield url, issued.stdout.split()[-1]


def whole_device() -> dict[str, Any]:
    types: dict[str, Any] = json.loads(DEVICE.read_text())
    return types


def fillable_device() -> dict[str, Any]:
    types = whole_device()
    for schema in types["schemas"]:
        schema["attributes"] = _fillable(schema["attributes"])
    return types


def _fillable(attributes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    kept = [each for each in attributes if each["name"] not in BEYOND_THE_TOOL]
    for each in kept:
        if "subAttributes" in each:
            each["subAttributes"] = _fillable(each["subAttributes"])
    return kept


def scim2_tester(url: str, token: str) -> list[CheckResult]:
    headers = {"Authorization": f"Bearer {token}"}
    with httpx2.Client(base_url=url, headers=headers, timeout=30) as client:
        return check_server(SyncSCIMClient(client))


@pytest.mark.parametrize("url_and_token", [fillable_device], indirect=True)
def test_scim2_tester_finds_nothing(url_and_token: tuple[str, str]) -> None:
    results = scim2_tester(*url_and_token)
    wrong = [f"{each.title}: {each.reason}" for each in results if each.status != Status.SUCCESS]
    assert not wrong
    assert {"User", "Group", "Device"} <= {each.resource_type for each in results}
    assert len(results) > 150


@pytest.mark.parametrize("url_and_token", [whole_device], indirect=True)
def test_scim2_tester_finds_nothing_in_the_whole_device_but_what_it_cannot_test(
    url_and_token: tuple[str, str],
) -> None:
    for each in scim2_tester(*url_and_token):
        if each.status == Status.SUCCESS:
            continue
        assert each.resource_type == "Device", each.reason
        # What fails on weight fails in the tool itself, before anything is sent.
        data: Any = each.data if isinstance(each.data, dict) else {"urn": "weight"}
        assert data["urn"] in BEYOND_THE_TOOL | {"ports", "place"}, each.reason
        assert data["urn"] != "weight" or "weight" in str(each.reason), each.reason


@pytest.mark.parametrize("url_and_token", [whole_device], indirect=True)
def test_scim_sanity_finds_nothing(url_and_token: tuple[str, str]) -> None:
    url, token = url_and_token
    probe = ["probe", url, "--token", token, "--i-accept-side-effects", "--json-output"]
    tool = Path(sys.executable).parent / "scim-sanity"
    done = subprocess.run([tool, *probe], capture_output=True, text=True, check=False, timeout=300)
    summary = json.loads(done.stdout)["summary"]
    assert (0, 0, 0) == (summary["failed"], summary["errors"], summary["warnings"]), done.stdout
    assert 28 <= summary["passed"]
    assert 0 == done.returncode, done.stderr
