"""The package as it is installed: what it exports, what it costs to import, what it contains."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import scim_asgi

ROOT = Path(__file__).parents[1]


def test_the_promised_names_are_there_and_documented() -> None:
    promised = {
        "Account",
        "AccountConflict",
        "AccountRejected",
        "BearerTokenMiddleware",
        "HookContext",
        "RateLimitMiddleware",
        "ScimApp",
        "TryAgainLater",
    }
    assert promised <= set(scim_asgi.__all__)
    for name in scim_asgi.__all__:
        assert getattr(scim_asgi, name).__doc__, name


def test_importing_it_loads_neither_the_template_library_nor_the_server() -> None:
    code = (
        "import sys, scim_asgi; "
        "print([name for name in ('liquid', 'uvicorn', 'click', 'fastapi', 'httpx') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]\n" == done.stdout


def test_the_wheel_has_the_migrations_and_the_type_marker(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "-w", str(tmp_path), "."],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "scim_asgi/store/sqlite/migrations/0001_tables.sql" in names
    assert "scim_asgi/py.typed" in names
    assert not [name for name in names if name.startswith(("tests", "examples"))]
