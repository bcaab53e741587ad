"""What is brief enough to run in the event loop."""

from __future__ import annotations

from typing import Any

import pytest

from scim_asgi.protocol.core import user_definition
from scim_asgi.protocol.limits import DEFAULT_LIMITS
from scim_asgi.protocol.messages import read_patch
from scim_asgi.protocol.patch import plan_patch
from scim_asgi.provisioning.brevity import is_brief, is_short
from tests.client import PATCH_OP

LONG = {
    "a list": [1] * 21,
    "a text": "x" * 10_001,
    "many members": {str(number): number for number in range(501)},
    "many lists": [[1] * 20] * 20 + [[1] * 20] * 5,
    "a list in an object": {"a": {"b": list(range(21))}},
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
