"""Tables on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

import click

from scim_asgi.redaction import printable


def print_table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under their heads, each column as wide as it has to be; the last one is free."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    for row in (list(heads), *cells):
        padded = [text.ljust(width) for text, width in zip(row, widths, strict=True)]
        click.echo("  ".join(padded).rstrip())


def _cell(value: object) -> str:
    return "-" if value is None or value == "" else printable(str(value))
