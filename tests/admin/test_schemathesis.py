"""Schemathesis tries the API from its OpenAPI document: what it says has to be true."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from starlette.requests import Request

from scim_asgi import ScimApp
from scim_asgi.admin import Actor, Authorize, SecretKey
from tests.admin.conftest import KEY, Host
from tests.client import USER
from tests.servers import serving

EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "5")

# What a schema cannot say: which paths a mapping may name, which roles there are, what the time is.
CONFIG = """
[[operations]]
include-operation-id = [
    "set_attribute_mappings",
    "preview_attribute_mappings",
    "restore_attribute_mappings",
    "set_role_rules",
    "restore_role_rules",
    "issue_token",
]
checks.positive_data_acceptance.expected-statuses = ["2xx", "4xx"]
"""


async def reads_alone(request: Request, organization_id: str) -> Actor:
    """Let whoever has the key look, and change nothing."""
    actor = await SecretKey(KEY)(request, organization_id)
    return Actor(id=actor.id)


def tried(host: Host, authorize: Authorize, folder: Path) -> None:
    """Fill an organization and let schemathesis loose on its admin API.

    It is served without a mount: Starlette's answers paths with line breaks itself, in plain text.
    """
    directory = host.connected()
    user = directory.create_user("ada@acme.test", name={"givenName": "Ada"})
    directory.create_group("Engineering", user["id"])
    directory.post("/Users", {"schemas": [USER]})
    app: ScimApp = ScimApp(str(host.database), base_url=host.scim_url)
    with serving(app.admin(authorize=authorize)) as url:
        run(url, folder)


def run(url: str, folder: Path) -> None:
    """Run schemathesis, and check that it finds nothing."""
    (folder / "schemathesis.toml").write_text(CONFIG)
    done = subprocess.run(
        [
            *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"),
            *("--config-file", "schemathesis.toml", "run", f"{url}/openapi.json"),
            *("--header", f"Authorization: Bearer {KEY}", "--max-examples", EXAMPLES),
            *("--seed", "1", "--no-color", "--suppress-health-check", "all"),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr


def test_what_the_document_says_is_true(host: Host, tmp_path: Path) -> None:
    tried(host, SecretKey(KEY), tmp_path)


def test_it_is_true_for_somebody_who_may_only_look(host: Host, tmp_path: Path) -> None:
    tried(host, reads_alone, tmp_path)
