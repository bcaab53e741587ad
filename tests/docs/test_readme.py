"""The product of the README is whole: it runs as it is pasted, and so do the commands below it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.commands import command_here, uvicorn
from tests.waiting import until

README = (Path(__file__).parents[2] / "README.md").read_text()
SECTION = README.partition("## See it work")[0]


def blocks(kind: str) -> list[str]:
    """Return the fenced blocks of a kind that stand before the first heading."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the README's commands use curl")
def test_the_product_and_the_commands_run_as_they_are_pasted(tmp_path: Path) -> None:
    (product,) = blocks("python")
    start, commands = blocks("sh")
    assert "uvicorn product:app --port 8000" in start
    (tmp_path / "product.py").write_text(product)
    with uvicorn(tmp_path, "product:app") as url:
        assert "http://127.0.0.1:8000" in commands
        done = subprocess.run(
            ["bash", "-eu", "-c", commands.replace("http://127.0.0.1:8000", url)],
            cwd=tmp_path,
            env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=300,
            check=True,
        )
        assert '["ada@acme.example"]' in done.stdout
        assert '"userName":"ada@acme.example"' in done.stdout
        assert "[POST /Users]" in done.stdout
        # The log is right once the server has noted what the product confirmed.
        created = re.compile(r"201\b.*ada@acme\.example|ada@acme\.example.*201\b")
        until(lambda: created.search(command_here(tmp_path, "log", "acme").stdout) is not None)
        assert ["ada@acme.example"] == httpx.get(f"{url}/people").json()
    assert "Traceback" not in (tmp_path / "uvicorn.log").read_text()
