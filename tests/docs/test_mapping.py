"""Every example of docs/mapping.md does what the page says."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import CodeType
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from msgspec import Struct

from scim_asgi import Account, HookContext, MappingError, RoleRules, ScimApp
from scim_asgi.cli import main
from scim_asgi.mapping.errors import Unmappable
from scim_asgi.mapping.fields import AccountFields
from scim_asgi.mapping.mapping import compile_mapping
from scim_asgi.protocol.core import group_definition, user_definition
from scim_asgi.protocol.definitions import Registry
from scim_asgi.provisioning.previews import pasted_view
from tests.product import Product

PAGE = Path(__file__).parents[2] / "docs" / "mapping.md"
FIELDS = AccountFields(Account)


class Block(Struct, frozen=True):
    """A fenced block of the page."""

    kind: str
    text: str
    line: int

    @property
    def value(self) -> Any:
        """The JSON in it."""
        return json.loads(self.text)


def read() -> list[Block]:
    """Return the fenced blocks of the page, in order."""
    text = PAGE.read_text()
    found = re.finditer(r"^```([^\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [Block(m[1], m[2], text[: m.start()].count("\n") + 1) for m in found]


BLOCKS = read()
USER = next(block.value for block in BLOCKS if block.kind == "json user")
VIEW = pasted_view(Registry([user_definition(), group_definition()]), USER)


def pairs() -> Iterator[Any]:
    """Yield each example with what it leads to."""
    for block, after in pairwise(BLOCKS):
        if block.kind in ("json user", "json override", "json rules"):
            yield pytest.param(block, after, id=f"line {block.line}")


@pytest.mark.parametrize(("example", "outcome"), list(pairs()))
def test_an_example_leads_to_what_stands_below_it(example: Block, outcome: Block) -> None:
    override = example.value if example.kind == "json override" else {}
    rules = msgspec.convert(example.value if example.kind == "json rules" else {}, RoleRules)
    mapping = compile_mapping(override, FIELDS, rules)
    if outcome.kind == "text refused":
        with pytest.raises(Unmappable) as caught:
            mapping.resolve(VIEW)
        assert outcome.text.strip() == caught.value.detail
        return
    fields = mapping.resolve(VIEW).fields
    match outcome.kind:
        case "json account":
            assert outcome.value == fields
        case "json gives":
            assert outcome.value == {name: fields.get(name) for name in outcome.value}
        case "json lacks":
            assert [] == [name for name in outcome.value if name in fields]
        case other:
            pytest.fail(f"an example is followed by {other}")


def test_the_mistakes_are_found_and_said_as_the_page_has_it() -> None:
    (wrong,) = (block for block in BLOCKS if block.kind == "json wrong")
    (problems,) = (block for block in BLOCKS if block.kind == "text problems")
    with pytest.raises(MappingError) as caught:
        compile_mapping(wrong.value, FIELDS)
    assert problems.text.splitlines() == [str(each) for each in caught.value.problems]


class EmployeeHooks:
    """Hooks for the page's own account type."""

    async def create(self, account: Any, context: HookContext) -> None: ...

    async def update(self, account: Any, context: HookContext) -> None: ...

    async def deactivate(self, account: Any, context: HookContext) -> None: ...


async def test_the_python_of_the_page_runs(tmp_path: Path) -> None:
    scim_app = ScimApp(str(tmp_path / "scim.db"), hooks=Product())
    names = {
        "scim_app": scim_app,
        "ScimApp": ScimApp,
        "Accounts": Product,
        "EmployeeHooks": EmployeeHooks,
        "user": USER,
    }
    blocks = [block for block in BLOCKS if block.kind == "python"]
    assert len(blocks) > 5
    async with scim_app.lifespan():
        for block in blocks:
            code = compile(
                block.text, f"mapping.md:{block.line}", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
            )
            assert isinstance(code, CodeType)
            ran = eval(code, names)
            if inspect.isawaitable(ran):
                await ran
    assert Account is type(names["preview"].account)
    assert "Employee" == names["Employee"].__name__


def test_the_commands_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rules = next(block.text for block in BLOCKS if block.kind == "json rules")
    files = {
        "title.json": '{"title": "public_metadata.title"}',
        "roles.json": rules,
        "user.json": json.dumps(USER),
    }
    for name, text in files.items():
        Path(name).write_text(text)
    commands = [
        re.sub(r"\s+#.*", "", line).split()
        for block in BLOCKS
        if block.kind == "sh"
        for line in block.text.splitlines()
    ]
    assert len(commands) > 10
    for command in commands:
        assert "scim-asgi" == command[0]
        done = CliRunner().invoke(main, command[1:])
        assert (0, True) == (done.exit_code, bool(done.output)), f"{command}: {done.output}"
