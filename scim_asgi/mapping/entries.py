"""The lines of a mapping: each path and value of an override, checked and compiled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NoReturn

from msgspec import Struct

from scim_asgi.mapping.analysis import Constant, Shape
from scim_asgi.mapping.errors import ExpressionError, MappingError, MappingProblem
from scim_asgi.mapping.expression import Expression
from scim_asgi.mapping.fields import ROLE, AccountFields, Misfit
from scim_asgi.mapping.roles import RolePolicy
from scim_asgi.mapping.source import Source, SourceError, parse_source

DEFAULTS = {
    "emails[primary eq true].value": "email_address",
    "userName": "email_address",
    "name.givenName": "first_name",
    "name.familyName": "last_name",
    "externalId": "external_id",
    "active": "active",
}
"""What is mapped where an organization has said nothing else."""

MAX_ENTRIES = 200
"""How many paths an override has at most."""
MAX_KEY = 512
"""The longest path or destination, in characters."""

_QUOTED = r"\"[^\"]*\"|'[^']*'"
_EXPRESSION = re.compile(
    rf"(?P<expression>\{{\{{(?:{_QUOTED}|(?!\}}\}})[^\"'])*\}}\}})(?P<rest>.*)", re.DOTALL
)
_TAG = re.compile(rf"(?:{_QUOTED}|(?!\{{%).)*?(?P<tag>\{{%)", re.DOTALL)


class Entry(Struct, frozen=True):
    """One line of a mapping, compiled.

    Attributes:
        key: The SCIM path as written.
        source: The path, parsed.
        destination: The account field, or ``public_metadata.<key>``.
        expression: What is made of the value; None to take it as it is.
        is_default: Whether it is a default and not of the override.
    """

    key: str
    source: Source
    destination: str
    expression: Expression | None
    is_default: bool

    def made_of(self, held: Any) -> Any:
        """Return what the entry makes of what its path holds; None is nothing.

        Raises:
            ExpressionFailure: The expression was stopped.
        """
        if self.expression is None:
            return held
        if held is None and not self.expression.uses_default:
            return None
        result = self.expression.evaluate(held)
        return None if result in ("", []) else result


class _Refused(Exception):
    def __init__(self, problem: MappingProblem) -> None:
        self.problem = problem


def _refuse(key: str, message: str, position: int | None = None) -> NoReturn:
    raise _Refused(MappingProblem(key, message, position))


class EntryReader:
    """Reads the lines of overrides for one account type.

    Args:
        fields: The fields of the host's account type.
        roles: What knows the host's roles.
    """

    def __init__(self, fields: AccountFields[Any], roles: RolePolicy) -> None:
        self._fields = fields
        self._roles = roles
        self._defaults: dict[tuple[str, ...], Entry] = {}
        for key, destination in DEFAULTS.items():
            source = parse_source(key)
            if fields.has(destination):
                self._defaults[source.identity] = Entry(
                    key, source, destination, None, is_default=True
                )

    def read(self, override: Mapping[str, str]) -> list[Entry]:
        """Return all entries, those of the defaults included, in their order of preference.

        Raises:
            MappingError: Something is wrong; every problem is named by its key.
        """
        own: dict[tuple[str, ...], Entry | None] = {}
        problems: list[MappingProblem] = []
        if len(override) > MAX_ENTRIES:
            msg = f"the override has more than {MAX_ENTRIES} paths"
            problems.append(MappingProblem("", msg))
        for key, value in list(override.items())[:MAX_ENTRIES]:
            try:
                source = _source(key)
                if source.identity in own:
                    _refuse(key, "the path is there twice")
                own[source.identity] = self._entry(key, source, value)
            except _Refused as error:
                problems.append(error.problem)
        if problems:
            raise MappingError(tuple(problems))
        entries = [entry for entry in own.values() if entry is not None]
        entries += [entry for identity, entry in self._defaults.items() if identity not in own]
        return sorted(entries, key=lambda entry: (not entry.source.has_filter, entry.is_default))

    def _entry(self, key: str, source: Source, value: Any) -> Entry | None:
        default = self._defaults.get(source.identity)
        if not isinstance(value, str):
            _refuse(key, "the value has to be text: an account field, or an expression")
        if value.strip() == "":
            if default is None:
                _refuse(key, "there is no default to switch off at this path")
            return None
        expression, destination, position = _split_value(key, value, source.shape)
        if destination is None:
            if default is None:
                msg = "a path without a default needs a destination: {{ … }}.field"
                _refuse(key, msg, len(value))
            destination = default.destination
        if not self._fields.has(destination):
            known = ", ".join(self._fields.names)
            _refuse(key, f'"{destination}" is no account field; known are {known}', position)
        self._check_fit(key, destination, source.shape, expression, position)
        return Entry(key, source, destination, expression, is_default=False)

    def _check_fit(
        self,
        key: str,
        destination: str,
        shape: Shape,
        expression: Expression | None,
        position: int,
    ) -> None:
        """Refuse what can never fit its field."""
        if expression is not None:
            shape = expression.result
        try:
            self._fields.check(destination, shape)
        except Misfit as error:
            _refuse(key, str(error), position)
        for constant in shape.constants:
            message = self._misfit(destination, constant)
            if message is not None:
                _refuse(key, message, constant.position)

    def _misfit(self, destination: str, constant: Constant) -> str | None:
        try:
            self._fields.check_constant(destination, constant.value)
        except Misfit as error:
            return str(error)
        if destination == ROLE and not self._roles.knows(constant.value):
            return f'"{constant.value}" is none of the product\'s roles'
        return None


def _source(key: str) -> Source:
    if len(key) > MAX_KEY:
        _refuse(key[:80] + "…", f"the path has more than {MAX_KEY} characters")
    try:
        return parse_source(key)
    except SourceError as error:
        problem = MappingProblem(key, str(error), error.position, "path")
        raise _Refused(problem) from None


def _split_value(key: str, value: str, shape: Shape) -> tuple[Expression | None, str | None, int]:
    """Split a value into its expression and its destination, with where that one begins."""
    begin = len(value) - len(value.lstrip())
    text = value.strip()
    if len(text) > 2 * MAX_KEY:
        _refuse(key, f"the value has more than {2 * MAX_KEY} characters", 2 * MAX_KEY)
    tag = _TAG.match(text)
    if tag is not None:
        msg = "a tag ({% … %}) cannot be used; write {{ expression }}.field"
        _refuse(key, msg, begin + tag.start("tag"))
    if "{" not in text:
        return None, text, begin
    match = _EXPRESSION.fullmatch(text)
    if match is None:
        _refuse(key, "write {{ expression }} or {{ expression }}.field", begin + text.index("{"))
    end = begin + match.end("expression")
    rest = match["rest"].strip()
    if rest and not rest.startswith("."):
        _refuse(key, "behind }} comes a dot and an account field, or nothing", end)
    try:
        expression = Expression(match["expression"], shape)
    except ExpressionError as error:
        problem = MappingProblem(key, str(error), begin + error.position)
        raise _Refused(problem) from None
    destination = rest[1:].strip()
    position = begin + text.rindex(destination) if destination else len(value)
    return expression, destination or None, position
