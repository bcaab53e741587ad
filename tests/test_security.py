"""The promises of docs/security.md are held by tests that exist, and nothing there is out of date."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from msgspec.structs import fields

from scim_asgi import Limits

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "security.md").read_text()
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)
PROMISES = [line for line in TEXT.splitlines() if line.startswith("| ") and "::" in line]


def test_the_threat_model_names_tests_for_what_it_promises() -> None:
    assert len(NAMED) > 40
    assert len(PROMISES) > 30


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_a_named_test_exists(file: str, name: str) -> None:
    tree = ast.parse((ROOT / file).read_text())
    functions = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert name in functions


def test_every_hostile_test_file_is_named() -> None:
    files = {path.name for path in (ROOT / "tests" / "hostile").glob("test_*.py")}
    assert files <= {Path(file).name for file, _ in NAMED}


@pytest.mark.parametrize("field", fields(Limits), ids=lambda field: field.name)
def test_the_table_of_limits_is_true(field: object) -> None:
    name = getattr(field, "name")  # noqa: B009 - a field of any struct
    default = getattr(Limits(), name)
    shown = {8 * 2**20: "8 MiB", 15.0: "15", 5.0: "5"}.get(default, f"{default:,}")
    assert re.search(rf"\| `{name}`[^|]*\| {shown} \|", TEXT), name


@pytest.mark.parametrize("page", ["README.md", "docs/deployment.md"])
def test_the_security_page_is_linked(page: str) -> None:
    text = (ROOT / page).read_text()
    assert "security.md" in text
    assert page != "README.md" or "SECURITY.md" in text
