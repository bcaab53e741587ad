"""Where most need less, what is done for them comes to the same as what is done for all."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from scim_asgi.mapping.fields import Account, AccountFields
from scim_asgi.protocol.core import user_definition
from scim_asgi.protocol.definitions import Registry
from scim_asgi.provisioning.delivery import changes_of
from scim_asgi.provisioning.privacy import LogPolicy
from scim_asgi.redaction import shown
from scim_asgi.store.records import AccountRecord, LogRecord

FIELDS = AccountFields(Account)
POLICY = LogPolicy(Registry([user_definition()]), FIELDS.names, personal_data=True)
TOKEN = "scim_" + "A1" * 20
SHORT = st.sampled_from(["", "Ada", "GET", "Users/1", "scim_", TOKEN, f"my {TOKEN}!", "_scim", "ß"])
TEXTS = SHORT | st.integers(14, 1100).map(lambda length: "x" * length)
CHANGES = st.dictionaries(SHORT, st.tuples(st.none() | st.booleans() | TEXTS, TEXTS), max_size=3)
PLAIN = LogRecord(organization_id="acme", at=1, action="updated", status=200)


def rows(texts: st.SearchStrategy[str]) -> st.SearchStrategy[LogRecord]:
    return st.builds(
        LogRecord,
        organization_id=st.just("acme"),
        at=st.just(1),
        action=st.just("updated"),
        status=st.just(200),
        request_id=texts,
        method=texts,
        path=texts,
        resource_name=texts,
        detail=texts,
        changes=CHANGES,
        attributes=CHANGES,
        notes=st.lists(TEXTS, max_size=1),
    )


def cut(changes: dict[str, Any]) -> dict[str, Any]:
    return {
        shown(name, 200): [shown(each, 1000) if isinstance(each, str) else each for each in pair]
        for name, pair in changes.items()
    }


@given(rows(TEXTS) | rows(st.just("Ada")))
@example(replace(PLAIN, method="x" * 17))
@example(replace(PLAIN, resource_name="x" * 201))
@example(replace(PLAIN, detail=TOKEN))
@example(replace(PLAIN, changes={"name": (None, TOKEN)}))
@example(replace(PLAIN, attributes={"name": ("x" * 1001, None)}))
@example(replace(PLAIN, notes=[TOKEN]))
def test_a_row_is_kept_without_tokens_and_cut_whatever_it_holds(row: LogRecord) -> None:
    kept = POLICY.row(row)
    expected = replace(
        row,
        request_id=shown(row.request_id, 200),
        method=shown(row.method, 16),
        path=shown(row.path, 1000),
        resource_name=shown(row.resource_name, 200),
        detail=shown(row.detail, 1000),
        notes=[shown(note, 1000) for note in row.notes],
        changes={},
        attributes={},
    )
    assert expected == replace(kept, changes={}, attributes={})
    for before, after in ((row.changes, kept.changes), (row.attributes, kept.attributes)):
        assert cut(before) == {name: list(pair) for name, pair in after.items()}


@given(st.text(alphabet="a@ .\u00a0\u2003\x1c\n", max_size=8))
def test_an_address_is_two_parts_around_one_at_sign_without_white_space(text: str) -> None:
    local, _, domain = text.partition("@")
    expected = bool(local and domain) and "@" not in domain and text.split() == [text]
    assert expected == FIELDS.accepts("email_address", text)


VALUES = st.none() | st.booleans() | st.sampled_from(["Ada", "Bob"])
WANTED = st.dictionaries(st.sampled_from("abcd"), VALUES)


@given(st.none() | WANTED, WANTED)
def test_what_has_changed_is_told_in_the_order_of_the_fields(
    confirmed: dict[str, Any] | None, wanted: dict[str, Any]
) -> None:
    account = AccountRecord(
        organization_id="acme", id="a", wanted=wanted, wanted_state="active", confirmed=confirmed
    )
    before = confirmed or {}
    names = dict.fromkeys([*before, *wanted])
    pairs = [(name, (before.get(name), wanted.get(name))) for name in names]
    assert [(name, pair) for name, pair in pairs if pair[0] != pair[1]] == list(
        changes_of(account).items()
    )
