"""A PATCH does what a plain model of RFC 7644 section 3.5.2 does."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scim_asgi.protocol.core import user_definition
from scim_asgi.protocol.messages import PATCH_OP, read_patch
from scim_asgi.protocol.patch import plan_patch
from scim_asgi.protocol.patch_apply import apply_patch
from scim_asgi.protocol.resources import check_resource

DEFINITION = user_definition()
SCHEMA = DEFINITION.schema.id

Operation = dict[str, Any]
State = dict[str, Any]

texts = st.sampled_from(["a", "b", "c"])
types = st.sampled_from(["work", "home", "other"])
kinds = st.sampled_from(["add", "replace", "Add", "REPLACE"])
email = st.fixed_dictionaries(
    {"value": texts}, optional={"type": types, "primary": st.booleans(), "display": texts}
)
emails = st.lists(email, min_size=1, max_size=3)
name = st.dictionaries(st.sampled_from(["givenName", "familyName"]), texts, min_size=1)
sub_names = st.sampled_from(["givenName", "familyName"])


def operation(kind: st.SearchStrategy[str], **rest: Any) -> st.SearchStrategy[Operation]:
    """Draw an operation."""
    return st.fixed_dictionaries({"op": kind, **rest})


work_filter = types.map(lambda each: f'emails[type eq "{each}"]')
operations = st.one_of(
    operation(kinds, path=st.just("title"), value=st.one_of(texts, st.none())),
    operation(kinds, path=st.just("name"), value=name),
    operation(kinds, path=sub_names.map(lambda each: f"name.{each}"), value=texts),
    operation(kinds, path=st.just("emails"), value=emails),
    operation(kinds, path=work_filter.map(lambda path: f"{path}.value"), value=texts),
    operation(kinds, path=work_filter.map(lambda path: f"{path}.primary"), value=st.just(True)),
    operation(
        kinds,
        value=st.fixed_dictionaries({}, optional={"title": texts, "name": name, "emails": emails}),
    ),
    operation(
        st.just("remove"),
        path=st.one_of(
            st.sampled_from(["title", "name", "emails", "name.givenName", "name.familyName"]),
            work_filter,
        ),
    ),
)
users = st.fixed_dictionaries({}, optional={"title": texts, "name": name, "emails": emails})


def model(state: State, change: Operation) -> None:
    """Apply an operation to a plain dictionary, as the RFC's text says."""
    apply(state, change)
    if "emails" in state:
        state["emails"] = distinct(state["emails"])


def distinct(values: list[State]) -> list[State]:
    """Return values without those that are exactly like an earlier one."""
    return [each for index, each in enumerate(values) if each not in values[:index]]


def apply(state: State, change: Operation) -> None:
    kind, path = change["op"].lower(), change.get("path")
    if path is None:
        for key, value in change["value"].items():
            model(state, {"op": kind, "path": key, "value": value})
    elif "[" in path:
        of_type = path.split('"')[1]
        sub = path.partition("].")[2]
        _filtered(state, kind, of_type, sub, change.get("value"))
    elif "." in path:
        _part(state, kind, path.partition(".")[2], change.get("value"))
    elif kind == "remove" or (kind == "replace" and change["value"] is None):
        state.pop(path, None)
    elif change["value"] is None:
        return
    elif path == "title":
        state["title"] = change["value"]
    elif path == "name":
        state["name"] = {**state.get("name", {}), **change["value"]}
    else:
        new = cleaned(change["value"])
        state["emails"] = appended(state.get("emails", []), new) if kind == "add" else new


def _part(state: State, kind: str, sub: str, value: Any) -> None:
    parts = state.setdefault("name", {})
    if kind == "remove":
        parts.pop(sub, None)
    else:
        parts[sub] = value
    if not parts:
        del state["name"]


def _filtered(state: State, kind: str, of_type: str, sub: str, value: Any) -> None:
    present = state.get("emails", [])
    matching = [each for each in present if each.get("type") == of_type]
    if kind == "remove":
        left = [each for each in present if each.get("type") != of_type]
        state.pop("emails", None)
        if left:
            state["emails"] = left
        return
    if not matching:
        matching = [{"type": of_type}]
        present = state["emails"] = [*present, *matching]
    for each in matching:
        each[sub] = value
    for each in matching:
        if each.get("primary") is True:
            demote(present, each)


def demote(present: list[State], chosen: State) -> None:
    """Leave one value primary."""
    for each in present:
        if each is not chosen and each.get("primary") is True:
            each["primary"] = False


def cleaned(values: list[State]) -> list[State]:
    """Return values without duplicates, one of them primary at most: the first."""
    unique: list[State] = []
    for each in values:
        if each not in unique:
            unique.append(dict(each))
    primary = next((each for each in unique if each.get("primary") is True), None)
    if primary is not None:
        demote(unique, primary)
    return distinct(unique)


def appended(present: list[State], new: list[State]) -> list[State]:
    """Return values with new ones behind them; the same type and value is the same value."""
    for each in new:
        key = (each.get("type"), each["value"])
        twin = next((e for e in present if (e.get("type"), e.get("value")) == key), None)
        if twin is None:
            present.append(each)
            twin = each
        else:
            twin.update(each)
        if each.get("primary") is True:
            demote(present, twin)
    return present


def patched(resource: State, changes: list[Operation]) -> State:
    plan = plan_patch(DEFINITION, read_patch({"schemas": [PATCH_OP], "Operations": changes}))
    return apply_patch(DEFINITION, resource, plan)


def stored(user: State) -> State:
    return check_resource(DEFINITION, {"schemas": [SCHEMA], "userName": "ada", **user})


@settings(max_examples=400)
@given(user=users, changes=st.lists(operations, min_size=1, max_size=5))
def test_a_patch_does_what_the_model_does(user: State, changes: list[Operation]) -> None:
    resource = stored(user)
    expected = {key: copy.deepcopy(value) for key, value in resource.items()}
    for change in changes:
        model(expected, copy.deepcopy(change))
    assert expected == patched(resource, changes)


@settings(max_examples=200)
@given(user=users, changes=st.lists(operations, min_size=1, max_size=5))
def test_a_patch_leaves_what_it_was_given_as_it_was(user: State, changes: list[Operation]) -> None:
    resource = stored(user)
    before, sent = copy.deepcopy(resource), copy.deepcopy(changes)
    patched(resource, changes)
    assert (before, sent) == (resource, changes)


@settings(max_examples=200)
@given(user=users, changes=st.lists(operations, min_size=1, max_size=1))
def test_the_same_operation_twice_changes_nothing_more(
    user: State, changes: list[Operation]
) -> None:
    once = patched(stored(user), changes)
    assert once == patched(once, changes)


@settings(max_examples=200)
@given(user=users, changes=st.lists(operations, min_size=1, max_size=3))
def test_what_a_patch_makes_can_be_stored_again(user: State, changes: list[Operation]) -> None:
    resource = patched(stored(user), changes)
    assert resource == check_resource(DEFINITION, resource)
