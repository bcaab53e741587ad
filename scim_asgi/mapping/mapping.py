"""Defaults and override, compiled once, and the account that they make of a User."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Struct

from scim_asgi.mapping.errors import (
    ExpressionError,
    ExpressionFailure,
    MappingError,
    MappingProblem,
    Unmappable,
)
from scim_asgi.mapping.expression import Expression
from scim_asgi.mapping.fields import EMAIL, METADATA, AccountFields
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

_EXPRESSION = re.compile(
    r"(?P<expression>\{\{(?:\"[^\"]*\"|'[^']*'|(?!\}\})[^\"'])*\}\})(?P<rest>.*)", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Entry:
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

    def value(self, resource: dict[str, Any]) -> tuple[Any, Any]:
        """Return what the path holds and what the entry makes of it; None is nothing.

        Raises:
            ExpressionFailure: The expression was stopped.
        """
        held = self.source.value(resource)
        if self.expression is None:
            return held, held
        if held is None and not self.expression.uses_default:
            return None, None
        result = self.expression.evaluate(held)
        return held, None if result in ("", []) else result


class Attempt(Struct, frozen=True, kw_only=True):
    """What one entry gave for a field, and why it was not taken.

    Attributes:
        key: The SCIM path.
        expression: The expression, or None.
        is_default: Whether it is a default.
        held: What the path holds in the User.
        value: What the entry makes of it.
        lost: Why it was not taken; empty for the one that was.
    """

    key: str
    expression: str | None
    is_default: bool
    held: Any
    value: Any
    lost: str = ""


class Explanation(Struct, frozen=True, kw_only=True):
    """How a field got its value, or why it has none.

    Attributes:
        destination: The account field, or ``public_metadata.<key>``.
        value: The value; None when there is none.
        attempts: The entries for it, in their order of preference.
    """

    destination: str
    value: Any
    attempts: tuple[Attempt, ...]


class CompiledMapping:
    """A mapping, ready to be used.

    Args:
        entries: All entries, in their order of preference.
        fields: The fields of the host's account type.
    """

    def __init__(self, entries: list[Entry], fields: AccountFields) -> None:
        self.uses_groups = any(entry.source.reads_groups for entry in entries)
        self._fields = fields
        self._by_destination: dict[str, list[Entry]] = {}
        for entry in entries:
            self._by_destination.setdefault(entry.destination, []).append(entry)

    def resolve(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        """Return the account's fields, as JSON, that a User makes.

        Args:
            resource: The User as JSON with canonical names, and its `groups` in order.

        Raises:
            Unmappable: A required field gets no value, or a value does not fit its field.
        """
        user = dict(resource)
        values: dict[str, Any] = {}
        for destination, entries in self._by_destination.items():
            value = self._first(destination, entries, user)
            if value is None:
                continue
            field, dot, key = destination.partition(".")
            if dot:
                values.setdefault(METADATA, {})[key] = value
            else:
                values[field] = self._fields.convert(field, value)
        self._require(values, user)
        return values

    def _first(self, destination: str, entries: list[Entry], user: dict[str, Any]) -> Any:
        for entry in entries:
            try:
                _, value = entry.value(user)
            except ExpressionFailure as error:
                detail = f'The mapping of "{entry.key}" was stopped: {error}.'
                raise Unmappable(destination, detail) from None
            if value is not None and self._fields.accepts(destination, value):
                return value
        return None

    def _require(self, values: dict[str, Any], user: dict[str, Any]) -> None:
        for name in self._fields.required:
            if name not in values:
                raise Unmappable(name, self._missing(name, user))

    def _missing(self, name: str, user: dict[str, Any]) -> str:
        entries = self._by_destination.get(name, [])
        held = "; ".join(
            f'"{entry.key}" holds {_shown(entry.source.value(user))}' for entry in entries
        )
        wanted = "an e-mail address" if name == EMAIL else "a value"
        tried = held or "no SCIM path is mapped to it"
        return (
            f'The account field "{name}" needs {wanted} and gets none: {tried}. '
            "Set it for this person in the directory, or change the attribute mapping."
        )

    def explain(self, resource: Mapping[str, Any]) -> list[Explanation]:
        """Return for each destination which entry gives its value, and why the others do not."""
        user = dict(resource)
        return [
            _explanation(destination, list(self._attempts(destination, entries, user)))
            for destination, entries in self._by_destination.items()
        ]

    def _attempts(
        self, destination: str, entries: list[Entry], user: dict[str, Any]
    ) -> Iterator[Attempt]:
        taken = False
        for entry in entries:
            held, value, lost = None, None, ""
            try:
                held, value = entry.value(user)
            except ExpressionFailure as error:
                lost = str(error)
            if not lost and value is None:
                lost = "it yields nothing"
            elif not lost and not self._fields.accepts(destination, value):
                lost = "it is no e-mail address"
            elif not lost and taken:
                lost = "an entry before it was taken"
            taken = taken or not lost
            yield Attempt(
                key=entry.key,
                expression=None if entry.expression is None else entry.expression.source,
                is_default=entry.is_default,
                held=held,
                value=value,
                lost=lost,
            )


def _explanation(destination: str, attempts: list[Attempt]) -> Explanation:
    winner = next((attempt for attempt in attempts if not attempt.lost), None)
    value = None if winner is None else winner.value
    return Explanation(destination=destination, value=value, attempts=tuple(attempts))


def compile_mapping(override: Mapping[str, str], fields: AccountFields) -> CompiledMapping:
    """Check and compile an override over the defaults.

    Args:
        override: SCIM path to destination; ``""`` switches a default off.
        fields: The fields of the host's account type.

    Raises:
        MappingError: Something is wrong; every problem is named by its key.
    """
    defaults = _default_entries(fields)
    own: dict[tuple[str, ...], Entry | None] = {}
    problems: list[MappingProblem] = []
    if len(override) > MAX_ENTRIES:
        msg = f"the override has more than {MAX_ENTRIES} paths"
        problems.append(MappingProblem("", msg))
    for key, value in list(override.items())[:MAX_ENTRIES]:
        try:
            source = parse_source(key)
            if source.identity in own:
                _refuse(key, "the path is there twice")
            own[source.identity] = _own_entry(key, source, value, defaults, fields)
        except SourceError as error:
            problems.append(MappingProblem(key, str(error)))
        except _Refused as error:
            problems.append(error.problem)
    if problems:
        raise MappingError(tuple(problems))
    entries = [entry for entry in own.values() if entry is not None]
    entries += [entry for identity, entry in defaults.items() if identity not in own]
    entries.sort(key=lambda entry: (not entry.source.has_filter, entry.is_default))
    return CompiledMapping(entries, fields)


def _default_entries(fields: AccountFields) -> dict[tuple[str, ...], Entry]:
    entries = {}
    for key, destination in DEFAULTS.items():
        source = parse_source(key)
        if fields.has(destination):
            entries[source.identity] = Entry(key, source, destination, None, is_default=True)
    return entries


class _Refused(Exception):
    def __init__(self, problem: MappingProblem) -> None:
        self.problem = problem


def _refuse(key: str, message: str, position: int | None = None) -> None:
    raise _Refused(MappingProblem(key, message, position))


def _own_entry(
    key: str,
    source: Source,
    value: Any,
    defaults: dict[tuple[str, ...], Entry],
    fields: AccountFields,
) -> Entry | None:
    default = defaults.get(source.identity)
    if not isinstance(value, str):
        _refuse(key, "the value has to be text: an account field, or an expression")
    if value.strip() == "":
        if default is None:
            _refuse(key, "there is no default to switch off at this path")
        return None
    expression, destination, position = _split_value(key, value)
    if destination is None:
        if default is None:
            _refuse(key, "a path without a default needs a destination: {{ … }}.field", len(value))
        assert default is not None
        destination = default.destination
    if not fields.has(destination):
        known = ", ".join(fields.names)
        _refuse(key, f'"{destination}" is no account field; known are {known}', position)
    return Entry(key, source, destination, expression, is_default=False)


def _split_value(key: str, value: str) -> tuple[Expression | None, str | None, int]:
    """Split a value into its expression and its destination, with where that one begins."""
    text = value.strip()
    if "{" not in text:
        return None, text, 0
    match = _EXPRESSION.fullmatch(text)
    if match is None:
        _refuse(key, "write {{ expression }} or {{ expression }}.field", 0)
    assert match is not None
    rest = match["rest"].strip()
    if rest and not rest.startswith("."):
        _refuse(key, "behind }} comes a dot and an account field, or nothing", match.end(1))
    try:
        expression = Expression(match["expression"])
    except ExpressionError as error:
        raise _Refused(MappingProblem(key, str(error), error.position)) from None
    return expression, rest[1:].strip() or None if rest else None, match.end(1) + 1


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 80 else text[:79] + "…"
