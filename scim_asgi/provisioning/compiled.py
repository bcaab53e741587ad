"""The attribute mapping in force for each organization, each version compiled once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from scim_asgi.mapping.errors import MappingError, MappingUnusable
from scim_asgi.mapping.fields import AccountFields
from scim_asgi.mapping.mapping import CompiledMapping, compile_mapping
from scim_asgi.mapping.roles import RoleRules
from scim_asgi.store.base import Transaction
from scim_asgi.store.records import Stamp

_CACHED = 1024

_Version: TypeAlias = tuple[str, Stamp]
"""An organization, and which override and role rules of it."""


class CompiledMappings:
    """Compiles overrides and role rules, and keeps what it compiled.

    Args:
        fields: The fields of the host's account type.
        roles: The roles that the host knows; None where it has not declared any.

    Attributes:
        is_overtaken: Whether a process with other fields or roles is the host now, which has to
            map again what is mapped here.
    """

    def __init__(self, fields: AccountFields[Any], roles: frozenset[str] | None) -> None:
        self.fields = fields
        self.roles = roles
        self.is_overtaken = False
        self._compiled: dict[_Version, CompiledMapping] = {}

    def current(self, tx: Transaction, organization_id: str) -> CompiledMapping:
        """Return the mapping in force; every process sees a new one at once.

        Raises:
            MappingUnusable: What was saved does not fit the host's account type any more.
        """
        key = (organization_id, tx.stamp(organization_id))
        compiled = self._compiled.get(key)
        if compiled is None:
            if len(self._compiled) >= _CACHED:
                self._compiled.clear()
            compiled = self._compiled[key] = self._load(tx, organization_id)
        return compiled

    def _load(self, tx: Transaction, organization_id: str) -> CompiledMapping:
        try:
            return self.compile(
                saved_override(tx, organization_id), saved_rules(tx, organization_id)
            )
        except MappingError as error:
            msg = f"What is saved for {organization_id} does not fit the product: {error}"
            raise MappingUnusable(msg) from error

    def compile(self, override: Mapping[str, str], rules: RoleRules) -> CompiledMapping:
        """Check and compile an override and role rules.

        Raises:
            MappingError: The override cannot be used; every problem is named by its key.
        """
        return compile_mapping(override, self.fields, rules, self.roles)


def saved_override(tx: Transaction, organization_id: str) -> dict[str, str]:
    """Return the override of an organization; ``{}`` when the defaults are in force."""
    record = tx.mappings.current(organization_id)
    return {} if record is None else record.content


def saved_rules(tx: Transaction, organization_id: str) -> RoleRules:
    """Return the role rules of an organization, without rules when none were ever saved."""
    record = tx.roles.current(organization_id)
    return RoleRules() if record is None else msgspec.convert(record.content, RoleRules)
