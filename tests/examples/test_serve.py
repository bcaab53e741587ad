"""`make serve` shows a newcomer everything from the beginning."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]


def test_the_set_up_of_the_example_begins_at_its_first_step(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "examples.acme.serve"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = {}
        for line in process.stdout:
            if "Ctrl-C" in line:
                break
            name, _, url = line.rpartition(" ")
            said[name.strip()] = url.strip()
        page = httpx.get(f"{said['Connect here']}/entra").text
        assert "There is nothing to wait for before there is a token." in page
        assert "Not connected" in httpx.get(said["Directory sync"]).text
        assert said["Base URL"] in page
    finally:
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(30)
        assert process.stdout is not None
        process.stdout.close()
