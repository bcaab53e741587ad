"""How a preview is printed."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from scim_asgi.cli.common import print_json
from scim_asgi.mapping.attempts import Attempt, Explanation, shown
from scim_asgi.provisioning.previews import Preview
from scim_asgi.redaction import redacted


def print_preview(preview: Preview[Any], *, as_json: bool) -> None:
    """Print the account that a mapping makes of a User, and why each field is as it is."""
    if as_json:
        print_json(preview)
        return
    if preview.problem:
        click.echo(redacted(f"No account: {preview.problem}"))
    else:
        account = msgspec.to_builtins(preview.account)
        click.echo(redacted(msgspec.json.format(msgspec.json.encode(account)).decode()))
    for explanation in preview.fields:
        click.echo(redacted("\n".join(_lines(explanation))))
    for note in preview.notes:
        click.echo(redacted(f"Note: {note}."))


def _lines(explanation: Explanation) -> list[str]:
    remark = f"  ({explanation.remark})" if explanation.remark else ""
    head = f"\n{explanation.destination} = {shown(explanation.value)}{remark}"
    return [head, *map(_line, explanation.attempts)]


def _line(attempt: Attempt) -> str:
    expression = f" {attempt.expression}" if attempt.expression else ""
    origin = " by default" if attempt.is_default else ""
    held = f" holds {shown(attempt.held)}"
    result = f" and gives {shown(attempt.value)}" if attempt.value != attempt.held else ""
    fate = f"not taken: {attempt.lost}" if attempt.lost else "taken"
    return f"  {attempt.key}{expression}{origin}{held}{result}; {fate}"
