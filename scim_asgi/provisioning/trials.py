"""What replacing a mapping or role rules would do, before it is done."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from scim_asgi.mapping.errors import Unmappable
from scim_asgi.mapping.mapping import CompiledMapping
from scim_asgi.provisioning.accounts import map_user
from scim_asgi.provisioning.log import name_of
from scim_asgi.store.base import Store, Transaction
from scim_asgi.store.records import AccountRecord

_BATCH = 100
SHOWN = 20
"""How many accounts a trial shows."""


class Difference(Struct, frozen=True, kw_only=True):
    """What would become of one account.

    Attributes:
        account_id: The account.
        name: The userName.
        changes: Account field to its value now and then; None for no value.
        problem: Why the mapping would make no account of the person; empty where it does.
    """

    account_id: str
    name: str
    changes: dict[str, tuple[Any, Any]] = {}
    problem: str = ""


class Trial(Struct, frozen=True, kw_only=True):
    """What replacing a mapping or role rules would do.

    Attributes:
        total: How many accounts there are.
        changed: How many would get other fields.
        skipped: Of how many the mapping would make no account; they would stay as they are.
        examples: The first of those that would change or be skipped.
    """

    total: int
    changed: int
    skipped: int
    examples: tuple[Difference, ...] = ()


async def try_out(store: Store, organization_id: str, mapping: CompiledMapping) -> Trial:
    """Map every account of an organization without storing anything.

    It reads in batches, so that nobody has to wait for it.
    """
    total, last = await store.read(lambda tx: tx.accounts.extent(organization_id))
    trial, position = Trial(total=total, changed=0, skipped=0), 0
    while position < last:

        def read(tx: Transaction, after: int = position) -> tuple[int, list[Difference]]:
            accounts = tx.accounts.of_organization(
                organization_id, after=after, last=last, limit=_BATCH
            )
            found = [_difference(tx, account, mapping) for account in accounts]
            reached = accounts[-1].number if accounts else last
            return reached, [each for each in found if each is not None]

        position, differences = await store.read(read)
        trial = _added(trial, differences)
    return trial


def _added(trial: Trial, differences: list[Difference]) -> Trial:
    skipped = sum(bool(each.problem) for each in differences)
    return Trial(
        total=trial.total,
        changed=trial.changed + len(differences) - skipped,
        skipped=trial.skipped + skipped,
        examples=(*trial.examples, *differences)[:SHOWN],
    )


def _difference(
    tx: Transaction, account: AccountRecord, mapping: CompiledMapping
) -> Difference | None:
    record = None if account.resource is None else tx.resources.by_number(account.resource)
    if record is None or account.wanted_state == "deleted":
        return None
    groups = tx.members.groups_of(record.number) if mapping.uses_groups else []
    name = name_of(record.document)
    try:
        fields = map_user(mapping, record, groups, account).fields
    except Unmappable as error:
        return Difference(account_id=account.id, name=name, problem=error.detail)
    changes = {
        field: (account.wanted.get(field), fields.get(field))
        for field in dict.fromkeys([*account.wanted, *fields])
        if account.wanted.get(field) != fields.get(field)
    }
    return Difference(account_id=account.id, name=name, changes=changes) if changes else None
