"""Filters as SQL: the database answers what the evaluator says, sorts and pages."""

from __future__ import annotations

import functools
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from scim_asgi.ids import uuid7
from scim_asgi.protocol.comparison import fold
from scim_asgi.protocol.conditions import bind, holds
from scim_asgi.protocol.core import GROUP, group_definition, user_definition
from scim_asgi.protocol.definitions import ResourceDefinition
from scim_asgi.protocol.filters import Node
from scim_asgi.protocol.prepared import prepare
from scim_asgi.protocol.resources import check_resource
from scim_asgi.protocol.search import search_form
from scim_asgi.provisioning.representation import keys_of
from scim_asgi.store.base import Transaction
from scim_asgi.store.records import ResourceRecord
from scim_asgi.store.selections import Part, Selection
from scim_asgi.store.sqlite import SqliteStore
from scim_asgi.store.sqlite.queries import select
from tests.protocol.trees import filter_trees, users

USER = user_definition()


def _record(organization: str, body: dict[str, Any]) -> ResourceRecord:
    return ResourceRecord(
        organization_id=organization,
        resource_type="User",
        id=uuid7(),
        document=check_resource(USER, body),
        created=1_700_000_000_000,
        last_modified=1_700_000_000_000,
    )


def _store_all(tx: Transaction, records: list[ResourceRecord]) -> None:
    for record in records:
        tx.resources.insert(
            record, search_form(USER, record.document), keys_of(USER, record.document)
        )


def _user_name(body: dict[str, Any]) -> str:
    return fold(body["userName"])


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    bodies=st.lists(users, max_size=5, unique_by=_user_name),
    tree=filter_trees(),
)
async def test_sql_and_the_evaluator_agree_on_random_filters_and_resources(
    store: SqliteStore, bodies: list[dict[str, Any]], tree: Node
) -> None:
    organization = uuid7()
    records = [_record(organization, body) for body in bodies]
    condition = bind(USER, tree)
    prepared = prepare(USER, str(tree))
    parts = (
        Part(definition=USER, condition=condition),
        Part(definition=USER, condition=prepared.condition, values=prepared.values),
    )

    def work(tx: Transaction, part: Part) -> tuple[list[str], int]:
        selection = Selection(organization_id=organization, parts=(part,))
        found = [record.id for record in tx.resources.select(selection)]
        return found, tx.resources.count(selection)

    await store.write(lambda tx: _store_all(tx, records), durable=False)
    expected = [record.id for record in records if holds(condition, record.document)]
    for part in parts:
        found, total = await store.read(functools.partial(work, part=part))
        assert expected == found, str(tree)
        assert len(expected) == total


def _prepared(definition: ResourceDefinition, text: str) -> Part:
    found = prepare(definition, text)
    return Part(definition=definition, condition=found.condition, values=found.values)


def test_a_query_for_other_values_is_the_same_text_with_other_parameters() -> None:
    texts = 'emails[type eq "work"].value eq "a@x"', 'emails[type eq "home"].value eq "b@x"'
    first, second = (
        select(Selection(organization_id=each, parts=(_prepared(USER, text),), limit=limit))
        for each, text, limit in zip(("acme", "other"), texts, (5, 6), strict=True)
    )
    assert first.sql is second.sql
    swapped = {"acme": "other", "work": "home", "a@x": "b@x", 5: 6}
    assert [swapped.get(each, each) for each in first.parameters] == [*second.parameters]


async def test_each_part_of_a_selection_has_its_own_values(store: SqliteStore) -> None:
    ada, bob = (_record("acme", {"userName": name, "title": "x"}) for name in ("ada", "bob"))
    admins = replace(
        _record("acme", {"userName": "admins"}),
        resource_type="Group",
        document={"schemas": [GROUP], "displayName": "Admins"},
    )

    def work(tx: Transaction) -> list[str]:
        _store_all(tx, [ada, bob])
        group = group_definition()
        found = admins.document
        tx.resources.insert(admins, search_form(group, found), keys_of(group, found))
        parts = (
            _prepared(USER, 'title eq "x" and (userName eq "bob" or userName eq "cleo")'),
            _prepared(group, 'displayName eq "admins"'),
        )
        selection = Selection(organization_id="acme", parts=parts)
        assert len(tx.resources.select(selection)) == tx.resources.count(selection)
        return [record.id for record in tx.resources.select(selection)]

    assert [bob.id, admins.id] == await store.write(work)


async def _names(store: SqliteStore, organization: str, text: str) -> list[str]:
    selection = Selection(
        organization_id=organization,
        parts=(_prepared(USER, text),),
        base_url="https://x/scim/v2",
    )
    found = await store.read(lambda tx: tx.resources.select(selection))
    return [record.document["userName"] for record in found]


async def test_id_and_meta_are_filtered_as_the_columns_that_they_are(store: SqliteStore) -> None:
    record = _record("acme", {"userName": "ada"})
    await store.write(lambda tx: _store_all(tx, [record]))
    for text in (
        f'id eq "{record.id}"',
        'meta.resourceType eq "User"',
        'meta.created eq "2023-11-14T22:13:20Z"',
        'meta.created eq "2023-11-15T00:13:20.000+02:00"',
        'meta.lastModified le "2023-11-14T22:13:20Z" and meta.version eq "W/\\"1\\""',
        f'meta.location eq "https://x/scim/v2/Users/{record.id}"',
        'schemas eq "urn:ietf:params:scim:schemas:core:2.0:user"',
    ):
        assert ["ada"] == await _names(store, "acme", text), text
    for text in (f'id eq "{record.id.upper()}"', 'meta.created gt "2023-11-14T22:13:20Z"'):
        assert [] == await _names(store, "acme", text), text


async def test_nothing_of_another_organization_is_found(store: SqliteStore) -> None:
    record = _record("acme", {"userName": "ada", "emails": [{"value": "a@x"}]})
    await store.write(lambda tx: _store_all(tx, [record]))
    for text in (
        f'id eq "{record.id}"',
        'userName eq "ada"',
        'emails.value eq "a@x"',
        "userName pr",
    ):
        assert [] == await _names(store, "other", text), text


async def test_a_lookup_by_an_indexed_value_reads_no_other_resource(store: SqliteStore) -> None:
    records = [_record("acme", {"userName": f"u{index}"}) for index in range(50)]
    await store.write(lambda tx: _store_all(tx, records))
    for text in (
        'userName eq "u7"',
        'emails[type eq "work" and value eq "x"]',
        'externalId eq "x"',
    ):
        plan = await store.read(functools.partial(_plan, text))
        assert not any("SCAN r" in line for line in plan), (text, plan)


def _plan(text: str, tx: Any) -> list[str]:
    query = select(Selection(organization_id="acme", parts=(_prepared(USER, text),)))
    rows = tx.resources._execute(f"EXPLAIN QUERY PLAN {query.sql}", query.parameters)
    return [row[3].replace("r USING INDEX resources_by_type", "SCAN r") for row in rows]
