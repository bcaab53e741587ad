"""The attribute mapping as a form: rows of path, field and expression, and what is wrong with each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import zip_longest

from msgspec import Struct

from scim_asgi.admin.page.forms import Form
from scim_asgi.mapping.entries import DEFAULTS
from scim_asgi.mapping.errors import MappingProblem
from scim_asgi.mapping.source import SourceError, parse_source


class Flaw(Struct, frozen=True, kw_only=True):
    """What is wrong with a row.

    Attributes:
        message: In words.
        field: Which input it is about: path, expression or field.
        position: The character, from 0; None when it is not about one.
    """

    message: str
    field: str = "path"
    position: int | None = None


class Row(Struct, frozen=True, kw_only=True):
    """A line of the override, as three inputs.

    Attributes:
        path: The SCIM path.
        expression: What is made of the value; empty to take it as it is.
        field: The account field; empty for that of the default, or to switch it off.
        default: The field of the default at this path; empty where there is none.
    """

    path: str = ""
    expression: str = ""
    field: str = ""
    default: str = ""

    @property
    def is_blank(self) -> bool:
        """Whether nothing is filled in."""
        return not (self.path or self.expression or self.field)

    @property
    def is_off(self) -> bool:
        """Whether it switches a default off."""
        return bool(self.path and self.default) and not self.expression and not self.field

    @property
    def value(self) -> str:
        """What the override has at the path."""
        if self.expression and self.field:
            return f"{self.expression}.{self.field}"
        return self.expression or self.field


def rows_of(override: Mapping[str, str]) -> list[Row]:
    """Return an override as rows."""
    return [_row(path, value) for path, value in override.items()]


def _row(path: str, value: str) -> Row:
    end = value.rfind("}}") + 2 if "{{" in value else 0
    field = value[end:].strip().removeprefix(".").strip()
    return Row(
        path=path, expression=value[:end].strip(), field=field, default=_defaults(path) or ""
    )


def rows_from(form: Form) -> list[Row]:
    """Return the rows of a form."""
    columns = (form.all("path"), form.all("expression"), form.all("field"))
    return [
        Row(path=path, expression=expression, field=field, default=_defaults(path) or "")
        for path, expression, field in zip_longest(*columns, fillvalue="")
    ]


def _defaults(path: str) -> str | None:
    """Return the field of the default at a path, however that is written."""
    identity = _identity(path)
    return next((field for key, field in DEFAULTS.items() if _identity(key) == identity), None)


def _identity(path: str) -> tuple[str, ...]:
    try:
        return parse_source(path).identity
    except SourceError:
        return (path,)


def defaults_left(rows: Iterable[Row]) -> list[tuple[str, str]]:
    """Return the defaults that no row replaces: path and field."""
    taken = {_identity(row.path) for row in rows}
    return [(path, field) for path, field in DEFAULTS.items() if _identity(path) not in taken]


def override_of(rows: list[Row]) -> tuple[dict[str, str], dict[int, Flaw]]:
    """Return the override that rows make, and what is wrong before it can be checked."""
    override: dict[str, str] = {}
    flaws: dict[int, Flaw] = {}
    for number, row in enumerate(rows):
        if row.is_blank:
            continue
        if not row.path:
            flaws[number] = Flaw(message="A path is missing: what of the person is to be taken?")
        elif row.path in override:
            flaws[number] = Flaw(message="This path is there twice.")
        else:
            override[row.path] = row.value
    return override, flaws


def flaws_of(rows: list[Row], problems: Iterable[MappingProblem]) -> tuple[dict[int, Flaw], str]:
    """Return what is wrong with each row, and what is wrong with all of them together."""
    flaws: dict[int, Flaw] = {}
    rest = []
    for problem in problems:
        number = next((n for n, row in enumerate(rows) if row.path == problem.key), None)
        if number is None:
            rest.append(str(problem))
        else:
            flaws[number] = _flaw(rows[number], problem)
    return flaws, "; ".join(rest)


def _flaw(row: Row, problem: MappingProblem) -> Flaw:
    message = problem.message[:1].upper() + problem.message[1:] + "."
    position, behind = problem.position, len(row.expression) + 1 if row.expression else 0
    if problem.part == "path" or position is None:
        field = "path" if problem.part == "path" or not row.value else "field"
        return Flaw(message=message, field=field, position=position)
    if row.expression and position < behind:
        return Flaw(message=message, field="expression", position=position)
    return Flaw(message=message, field="field", position=max(0, position - behind))
