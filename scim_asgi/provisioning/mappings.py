"""The attribute mapping in force for each organization, each override compiled once."""

from __future__ import annotations

from collections.abc import Mapping

from scim_asgi.mapping.errors import MappingError, Unmappable
from scim_asgi.mapping.fields import AccountFields
from scim_asgi.mapping.mapping import CompiledMapping, compile_mapping
from scim_asgi.provisioning.clock import now
from scim_asgi.store.base import Store, Transaction
from scim_asgi.store.records import MappingRecord

_CACHED = 1024


class Mappings:
    """Reads, saves and compiles overrides.

    Args:
        store: Where they are kept.
        fields: The fields of the host's account type.
    """

    def __init__(self, store: Store, fields: AccountFields) -> None:
        self._store = store
        self._fields = fields
        self._defaults = compile_mapping({}, fields)
        self._compiled: dict[tuple[tuple[str, str], ...], CompiledMapping] = {}

    def current(self, tx: Transaction, organization_id: str) -> CompiledMapping:
        """Return the mapping in force; every process sees a new one at once.

        Raises:
            Unmappable: What was saved does not fit the host's account type any more.
        """
        record = tx.mappings.current(organization_id)
        if record is None:
            return self._defaults
        key = tuple(record.override.items())
        compiled = self._compiled.get(key)
        if compiled is None:
            if len(self._compiled) >= _CACHED:
                self._compiled.clear()
            compiled = self._compile(record)
            self._compiled[key] = compiled
        return compiled

    def _compile(self, record: MappingRecord) -> CompiledMapping:
        try:
            return compile_mapping(record.override, self._fields)
        except MappingError as error:
            detail = f"The saved attribute mapping cannot be used any more; save another: {error}."
            raise Unmappable("", detail) from error

    async def get(self, organization_id: str) -> dict[str, str]:
        """Return the override of an organization; ``{}`` when the defaults are in force."""
        record = await self._store.read(lambda tx: tx.mappings.current(organization_id))
        return {} if record is None else record.override

    async def set(
        self, organization_id: str, override: Mapping[str, str], *, saved_by: str = ""
    ) -> None:
        """Replace the override of an organization and mark its accounts to be mapped anew.

        Raises:
            MappingError: It cannot be used; every problem is named by its key.
        """
        compile_mapping(override, self._fields)
        record = MappingRecord(
            organization_id=organization_id,
            override=dict(override),
            saved_at=now(),
            saved_by=saved_by,
        )

        def save(tx: Transaction) -> None:
            tx.mappings.insert(record)
            tx.accounts.mark_organization(organization_id)

        await self._store.write(save)
