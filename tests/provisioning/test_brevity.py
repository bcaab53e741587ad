"""What is brief enough to run in the event loop."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from scim_asgi import ScimApp
from scim_asgi.mapping.mapping import CompiledMapping
from scim_asgi.mapping.roles import RoleRules
from scim_asgi.protocol.core import user_definition
from scim_asgi.protocol.limits import DEFAULT_LIMITS
from scim_asgi.protocol.messages import read_patch
from scim_asgi.protocol.patch import plan_patch
from scim_asgi.provisioning.brevity import is_brief, is_short
from scim_asgi.provisioning.compiled import CompiledMappings
from tests.client import PATCH_OP, USER
from tests.product import Product

LONG = {
    "a list": ["a value that is no longer than many"] * 50,
    "a text": "x" * 20_001,
    "a name": {"x" * 20_001: 1},
    "many long texts": {str(number): "x" * 2_000 for number in range(20)},
    "many members": {str(number): number for number in range(501)},
    "many lists": [[1] * 20] * 50,
    "a list in an object": {"a": {"b": list(range(500))}},
    "lists in lists": [[[[1] * 10] * 10] * 10] * 10,
}


@pytest.mark.parametrize("value", LONG.values(), ids=LONG)
def test_a_resource_and_a_patch_are_as_long_as_what_is_deepest_in_them(value: Any) -> None:
    assert not is_short({"userName": "ada", "urn:example:ext": {"deep": value}})
    for path in ("title", "urn:example:ext:deep"):
        operation = {"op": "replace", "path": path, "value": value}
        body = {"schemas": [PATCH_OP], "Operations": [operation]}
        operations = read_patch(body, DEFAULT_LIMITS)
        plan = plan_patch(user_definition(), operations, "ignore", DEFAULT_LIMITS)
        assert not is_brief(user_definition(), plan)


def test_what_directories_send_is_short() -> None:
    emails = [{"value": f"{number}@acme.test", "type": "work"} for number in range(20)]
    assert is_short({"userName": "ada", "active": True, "title": None, "emails": emails})
    assert is_short({"userName": "ada", "name": {"formatted": "A" * 9_000}, "emails": emails})


async def test_a_mapping_is_compiled_once_and_never_in_the_event_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    compile_it = CompiledMappings.compile

    def watched(
        self: CompiledMappings, override: Mapping[str, str], rules: RoleRules
    ) -> CompiledMapping:
        threads.append(threading.get_ident())
        return compile_it(self, override, rules)

    product = Product()
    app = ScimApp(str(tmp_path / "scim.db"), hooks=product)
    async with app.lifespan():
        token = (await app.tokens.issue("acme", name="tests")).token
        monkeypatch.setattr(CompiledMappings, "compile", watched)
        headers = {"Authorization": f"Bearer {token}"}
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://scim", headers=headers
        ) as client:
            user = {"schemas": [USER], "userName": "ada@acme.test"}
            created = await client.post("/Users", json=user)
            assert 201 == created.status_code
            body = {
                "schemas": [PATCH_OP],
                "Operations": [{"op": "replace", "path": "title", "value": "Countess"}],
            }
            changed = await client.patch(f"/Users/{created.json()['id']}", json=body)
            assert 200 == changed.status_code
    assert 1 == len(threads)
    assert threading.get_ident() not in threads
    assert ["create"] == product.changes
