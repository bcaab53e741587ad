"""`scim-asgi simulate`, against a server that runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from scim_asgi.cli import main
from scim_asgi.simulate import SIMULATORS
from tests.commands import attempt, attempt_here, command, command_here, served


def issued(folder: Path) -> str:
    return command_here(folder, "token", "issue", "acme", "--name", "x").stdout.splitlines()[-1]


def test_a_directory_is_pushed_and_nothing_differs(tmp_path: Path) -> None:
    with served(tmp_path) as (url, _):
        token = issued(tmp_path)
        size = ("--users", "12", "--groups", "3", "--seed", "7")
        done = command(
            tmp_path, "simulate", "entra", "--url", url, "--token", token, *size,
            "--compliant-patch", "--verbose",
        )  # fmt: skip
        assert "Microsoft Entra ID (compliant-patch), seed 7:" in done.stdout
        assert "The server holds exactly what the directory does." in done.stdout
        assert "  201  POST   /Users?aadOptscim062020" in done.stderr
        plain = command(tmp_path, "simulate", "okta", "--url", url, "--token", token, *size)
        assert ["cycle 1", "cycle 2", "cycle 3"] == plain.stderr.splitlines()
        for output in (done.stdout, done.stderr, plain.stdout):
            assert token not in output


def test_the_report_is_json_for_programs(tmp_path: Path) -> None:
    with served(tmp_path) as (url, _):
        done = command(
            tmp_path, "simulate", "okta", "--url", url, "--token", issued(tmp_path),
            "--users", "8", "--groups", "2", "--cycles", "2", "--patch", "--json",
        )  # fmt: skip
    report = json.loads(done.stdout)
    assert ("okta", "patch", []) == (report["directory"], report["mode"], report["differences"])
    assert report["requests"] > 20
    assert "" == done.stderr


def test_a_difference_makes_the_exit_status_1(tmp_path: Path) -> None:
    with served(tmp_path) as (url, _):
        done = command(
            tmp_path, "simulate", "entra", "--url", url, "--token", "scim_wrong", status=1
        )
    assert "Differences between the server and the directory: 1" in done.stdout
    assert "401 The bearer token is not valid" in done.stdout


def test_every_directory_and_mode_is_offered(tmp_path: Path) -> None:
    listed = command(tmp_path, "simulate", "--help").stdout
    for name, simulator in SIMULATORS.items():
        assert f"  {name} " in listed
        text = CliRunner().invoke(main, ["simulate", name, "--help"]).output
        modes = simulator.modes if len(simulator.modes) > 1 else ()
        assert all(f"--{mode}" in text for mode in modes)


def test_no_summary_of_a_directory_is_cut() -> None:
    listed = CliRunner().invoke(main, ["simulate", "--help"]).output
    assert "..." not in listed.partition("Commands:")[2]
    assert "is suspended or gone is suspended or" in " ".join(listed.split())


def test_wrong_arguments_are_usage_errors_without_a_traceback(tmp_path: Path) -> None:
    for url, token, more, message in (
        ("foo", "x", (), "https://product.example"),
        ("http://127.0.0.1:99999/x", "x", (), "cannot be read"),
        ("http://[::1/x", "x", (), "cannot be read"),
        ("http://acme.test", "ümlaut", (), "characters"),
        ("http://acme.test", "", (), "empty"),
        ("http://acme.test", "x", ("--faults", "nan"), "is not a number"),
    ):
        done = attempt_here(tmp_path, "simulate", "okta", "--url", url, "--token", token, *more)
        assert 2 == done.returncode
        assert message in done.stderr
        assert "Traceback" not in done.stderr


def test_an_unknown_directory_is_a_usage_error(tmp_path: Path) -> None:
    assert 2 == attempt(tmp_path, "simulate", "nowhere", "--url", "x", "--token", "x").returncode


def test_a_missing_library_is_named_with_the_command_that_installs_it(tmp_path: Path) -> None:
    blocked = tmp_path / "sitecustomize.py"
    blocked.write_text("import sys; sys.modules['httpx'] = None")
    done = subprocess.run(
        [sys.executable, "-m", "scim_asgi", "simulate", "entra", "--url", "x", "--token", "x"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 1 == done.returncode
    assert "pip install 'scim-asgi[simulate]'" in done.stderr
    assert "Traceback" not in done.stderr
