"""`scim-asgi check` as a real process against a real server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from scim_asgi.doctor import CHECKS, DIRECTORIES
from tests.commands import attempt_here, command, command_here, served


def _actions(folder: Path) -> list[str]:
    lines = command_here(folder, "log", "acme", "--json").stdout.splitlines()
    return [json.loads(line)["action"] for line in lines]


def test_a_whole_server_is_fine_and_a_wrong_token_is_not(tmp_path: Path) -> None:
    with served(tmp_path) as (url, _):
        token = command_here(tmp_path, "token", "issue", "acme", "--name", "x").stdout.splitlines()[
            -1
        ]
        done = command(tmp_path, "check", "--url", url, "--token", token)
        assert "0 failures, 2 warnings. No directory should stumble." in done.stdout
        assert "nothing was written" in done.stdout
        assert "✓ Microsoft Entra ID: Test Connection" in done.stdout
        assert "\x1b[" not in done.stdout
        assert ["token-issued"] == _actions(tmp_path)
        wrong = command(tmp_path, "check", "--url", url, "--token", "scim_no", status=1)
        assert "✗ The token is accepted" in wrong.stdout
        assert "✗ Okta: Test Connector Configuration: It was not sent. See token." in wrong.stdout
        assert "1 failure and 11 that come from them, 2 warnings." in wrong.stdout
        assert "scim_no" not in wrong.stdout + wrong.stderr


def test_as_json_each_finding_has_the_promised_members(tmp_path: Path) -> None:
    done = attempt_here(tmp_path, "check", "--url", "http://127.0.0.1:1/scim/v2", "--json")
    assert 1 == done.returncode
    report = json.loads(done.stdout)
    assert ["url", "with_token", "complete", "requests", "findings"] == list(report)
    assert not report["complete"]
    members = ["id", "title", "level", "directories", "seen", "advice", "causes"]
    for finding in report["findings"]:
        assert members == list(finding)
        assert finding["id"] in CHECKS
        assert set(finding["directories"]) <= set(DIRECTORIES)
        assert finding["level"] in ("ok", "skipped", "warning", "failure")


def test_only_a_chosen_directory_counts(tmp_path: Path) -> None:
    arguments = ("check", "--url", "http://127.0.0.1:1/my_scim", "--json", "--directory")
    for name, expected in (("okta", True), ("entra", False)):
        report = json.loads(attempt_here(tmp_path, *arguments, name).stdout)
        assert expected == ("url-underscore" in {each["id"] for each in report["findings"]})
        assert {name} == {each for found in report["findings"] for each in found["directories"]}


def test_mistakes_end_with_a_message_and_no_traceback(tmp_path: Path) -> None:
    for arguments, message in (
        (("--url", "acme"), "https://product.example"),
        (("--url", "https://acme.test", "--token", "Bearer x"), "without “Bearer”"),
        (("--url", "https://acme.test", "--directory", "ldap"), "entra"),
        (("--url", "https://acme.test", "--timeout", "0"), "--timeout"),
        (("--url", "https://acme.test", "--timeout", "nan"), "is not a number"),
        (("--url", "http://127.0.0.1:99999/x"), "cannot be read"),
        (("--url", "http://ex..ample/x"), "host"),
        (("--url", f"http://{'a' * 64}.example/x"), "host"),
    ):
        done = attempt_here(tmp_path, "check", *arguments)
        assert 2 == done.returncode
        assert message in done.stderr
        assert "Traceback" not in done.stderr


def test_without_httpx_the_extra_to_install_is_named() -> None:
    code = (
        "import sys; sys.modules['httpx'] = None; "
        "import scim_asgi; from scim_asgi.cli import main; "
        "main(['check', '--url', 'https://acme.test'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'scim-asgi[simulate]'" in done.stderr
    assert "Traceback" not in done.stderr
