"""Defaults, override and role rules, compiled once, and the account that they make of a User."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import UNSET, Struct
from msgspec.structs import replace

from scim_asgi.mapping.attempts import TAKEN, Attempt, Explanation, shown
from scim_asgi.mapping.entries import Entry, EntryReader
from scim_asgi.mapping.errors import ExpressionFailure, Unmappable
from scim_asgi.mapping.fields import EMAIL, METADATA, ROLE, AccountFields, Misfit
from scim_asgi.mapping.roles import RolePolicy, RoleRules, origin_of
from scim_asgi.mapping.takers import RuleTaker, Taker

ACTIVE = "active"
"""Attribute and field: whoever is closed by either is closed."""
_RETURN_KEY = "externalid"
"""The attribute by which a returning person is recognised, whatever field it is mapped to."""


class Mapped(Struct, frozen=True):
    """What a mapping makes of a User.

    Attributes:
        fields: The account's fields, as JSON.
        return_key: What is mapped from `externalId`: a returning person is recognised by it.
        notes: What the provisioning log is to say.
    """

    fields: dict[str, Any]
    return_key: str | None = None
    notes: tuple[str, ...] = ()


class CompiledMapping:
    """A mapping, ready to be used.

    Args:
        entries: All entries, in their order of preference.
        fields: The fields of the host's account type.
        roles: The role rules and the roles that the host knows.

    Attributes:
        uses_groups: Whether an account depends on the groups that the User is a member of.
        uses_document_only: Whether it depends on neither those nor the User's id.
    """

    def __init__(self, entries: list[Entry], fields: AccountFields[Any], roles: RolePolicy) -> None:
        self._fields = fields
        self._roles = roles
        self._by_destination: dict[str, list[Entry]] = {}
        for entry in entries:
            self._by_destination.setdefault(entry.destination, []).append(entry)
        self._uses_rules = roles.has_rules and ROLE not in self._by_destination and fields.has(ROLE)
        if self._uses_rules:
            self._by_destination[ROLE] = []
        self._takers = [
            (RuleTaker if destination == ROLE and self._uses_rules else Taker)(
                destination, found, fields, roles
            )
            for destination, found in self._by_destination.items()
        ]
        self._return_entry = _return_entry(entries)
        attributes = {each.source.attribute for each in entries}
        self.uses_groups = self._uses_rules or "groups" in attributes
        self.uses_document_only = not self.uses_groups and "id" not in attributes

    def resolve(self, resource: dict[str, Any], *, was_active: bool | None = None) -> Mapped:
        """Return what the mapping makes of a User.

        Args:
            resource: The User as JSON with canonical names, and its `groups` in order.
            was_active: What stands for an `active` that is not there.

        Raises:
            Unmappable: A required field gets no value, or a value does not fit its field.
        """
        user, is_closed = _with_active(resource, was_active)
        values: dict[str, Any] = {}
        notes: list[str] = []
        key: str | None = None
        return_entry = self._return_entry
        for taker in self._takers:
            try:
                value, entry = taker.take(user)
            except (ExpressionFailure, Misfit):
                value, entry = self._walk(taker.destination, user, notes)
            if value is UNSET:
                continue
            if taker.key:
                values.setdefault(METADATA, {})[taker.key] = value
            else:
                values[taker.destination] = value
            if entry is return_entry and entry is not None:
                key = _return_key(entry, value, user)
        self._require(values, user)
        if is_closed and values.get(ACTIVE) is True:
            values[ACTIVE] = False
        return Mapped(values, key, tuple(notes))

    def _walk(
        self, destination: str, user: dict[str, Any], notes: list[str]
    ) -> tuple[Any, Entry | None]:
        """Return what the first attempt gives that is not lost, and its entry, as a taker does.

        Raises:
            Unmappable: An attempt stops.
        """
        for attempt in self._attempts(destination, user):
            if attempt.note:
                notes.append(attempt.note)
            if attempt.stops:
                raise Unmappable(destination, attempt.detail)
            if not attempt.lost:
                entries = self._by_destination[destination]
                by_key = {entry.key: entry for entry in entries}
                return attempt.value, by_key.get(attempt.key)
        return UNSET, None

    def _attempts(self, destination: str, user: dict[str, Any]) -> Iterator[Attempt]:
        """Yield what is tried for a destination, in order of preference."""
        if destination == ROLE and self._uses_rules:
            yield from self._roles.from_groups(user.get("groups") or ())
            return
        is_taken = False
        for entry in self._by_destination[destination]:
            attempt = self._attempt(entry, user)
            if attempt.lost:
                yield attempt
            elif is_taken:
                yield replace(attempt, lost=TAKEN)
            else:
                is_taken = True
                yield from self._checked(destination, attempt, user)

    def _checked(
        self, destination: str, attempt: Attempt, user: dict[str, Any]
    ) -> Iterator[Attempt]:
        if destination != ROLE or self._roles.knows(attempt.value):
            yield attempt
        else:
            origin = origin_of(attempt, user.get("groups") or ())
            yield from self._roles.checked(attempt, origin)

    def _attempt(self, entry: Entry, user: dict[str, Any]) -> Attempt:
        held, value, lost, stops = entry.source.read(user), None, "", False
        try:
            value = entry.made_of(held)
            if value is None:
                lost = "it yields nothing"
            elif not self._fields.accepts(entry.destination, value):
                lost = "it is no e-mail address"
            else:
                value = self._fields.convert(entry.destination, value)
        except ExpressionFailure as error:
            lost, stops = f"its expression stopped: {error}", True
        except Misfit as error:
            lost, stops = str(error), True
        return Attempt(
            key=entry.key,
            expression=None if entry.expression is None else entry.expression.source,
            is_default=entry.is_default,
            held=held,
            value=value,
            lost=lost,
            stops=stops,
        )

    def _require(self, values: dict[str, Any], user: dict[str, Any]) -> None:
        for name in self._fields.required:
            if name not in values:
                raise Unmappable(name, self._missing(name, user))

    def _missing(self, name: str, user: dict[str, Any]) -> str:
        held = "; ".join(
            f'"{entry.key}" holds {shown(entry.source.read(user))}'
            for entry in self._by_destination.get(name, ())
        )
        wanted = "an e-mail address" if name == EMAIL else "a value"
        tried = held or "no SCIM path is mapped to it"
        return (
            f'The account field "{name}" needs {wanted} and gets none: {tried}. '
            "Set it for this person in the directory, or change the attribute mapping."
        )

    def explain(
        self, resource: dict[str, Any], *, was_active: bool | None = None
    ) -> list[Explanation]:
        """Return for each field of the account what was tried for it, and what came of it."""
        user, is_closed = _with_active(resource, was_active)
        explained = [
            _explanation(destination, tuple(self._attempts(destination, user)), self._fields)
            for destination in self._by_destination
        ]
        explained = [
            replace(each, value=False, remark="the directory has closed the person")
            if is_closed and each.destination == ACTIVE and each.value is True
            else each
            for each in explained
        ]
        there = {each.destination for each in explained} | {METADATA}
        missing = [name for name in self._fields.names if name not in there]
        return explained + [_explanation(name, (), self._fields) for name in missing]


def _return_entry(entries: list[Entry]) -> Entry | None:
    """Return the entry of `externalId`; where it feeds several fields, the plain path counts."""
    found = [entry for entry in entries if entry.source.attribute == _RETURN_KEY]
    return min(found, key=lambda entry: len(entry.source.steps), default=None)


def _return_key(entry: Entry, value: Any, user: dict[str, Any]) -> str | None:
    """Return by what a person is recognised, where it is `externalId` that fills a field.

    Where an expression may make the same of different people, it is what the directory sent.
    """
    keeps_apart = entry.expression is None or entry.expression.keeps_apart
    key = value if keeps_apart else entry.source.read(user)
    return None if key is None else str(key)


def _with_active(resource: dict[str, Any], was_active: bool | None) -> tuple[dict[str, Any], bool]:
    """Return a User that has an `active`, and whether its directory says that it is closed."""
    is_closed = resource.get(ACTIVE) is False
    if was_active is None or ACTIVE in resource:
        return resource, is_closed
    return {**resource, ACTIVE: was_active}, is_closed


def _explanation(
    destination: str, attempts: tuple[Attempt, ...], fields: AccountFields[Any]
) -> Explanation:
    explained = Explanation(destination=destination, value=None, attempts=attempts)
    if explained.winner is not None:
        return replace(explained, value=explained.winner.value)
    if "." in destination:
        return explained
    if destination in fields.required:
        return replace(explained, remark="it is required, and gets no value")
    default = fields.default(destination)
    if default is None:
        return explained
    return replace(explained, value=default, remark="the account type's own default")


def compile_mapping(
    override: Mapping[str, str],
    fields: AccountFields[Any],
    rules: RoleRules | None = None,
    roles: frozenset[str] | None = None,
) -> CompiledMapping:
    """Check and compile an override over the defaults.

    Args:
        override: SCIM path to destination; ``""`` switches a default off.
        fields: The fields of the host's account type.
        rules: The role rules, for a mapping without `organization_role`.
        roles: The roles that the host knows; None where it has not declared any.

    Raises:
        MappingError: Something is wrong; every problem is named by its key.
    """
    policy = RolePolicy(rules or RoleRules(), roles)
    return CompiledMapping(EntryReader(fields, policy).read(override), fields, policy)
