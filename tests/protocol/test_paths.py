"""Attribute paths mean the same however they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_asgi.protocol.core import user_definition
from scim_asgi.protocol.definitions import ResourceDefinition
from scim_asgi.protocol.errors import InvalidFilter, InvalidPath
from scim_asgi.protocol.patch_paths import parse_patch_path
from scim_asgi.protocol.paths import (
    PathSyntaxError,
    Target,
    UnknownPath,
    parse_path,
    resolve,
)

USER = user_definition()


def every_target(definition: ResourceDefinition) -> list[Target]:
    """Return everything that a path of a type can lead to."""
    targets = [Target(extension, None) for extension in definition.extensions.values()]
    for extension, attribute in definition.all_attributes():
        targets.append(Target(extension, attribute))
        targets += [Target(extension, attribute, sub) for sub in attribute.sub_attributes]
    return targets


def same(left: Target, right: Target) -> bool:
    return (left.extension, left.attribute, left.sub) == (
        right.extension,
        right.attribute,
        right.sub,
    )


@st.composite
def spelled(draw: st.DrawFn) -> tuple[str, Target]:
    """Draw a target and one of the ways to write it."""
    target = draw(st.sampled_from(every_target(USER)))
    text = str(target)
    if target.extension is not None and target.attribute is not None:
        separator = draw(st.sampled_from(":."))
        text = f"{target.extension.id}{separator}{text[len(target.extension.id) + 1 :]}"
    elif target.attribute is not None and draw(st.booleans()):
        text = f"{USER.schema.id}:{text}"
    cases = draw(st.lists(st.booleans(), min_size=len(text), max_size=len(text)))
    mixed = (c.upper() if up else c.lower() for c, up in zip(text, cases, strict=True))
    return "".join(mixed), target


@given(spelled())
def test_every_spelling_of_a_path_leads_to_the_same_target(case: tuple[str, Target]) -> None:
    text, target = case
    assert same(target, resolve(USER, parse_path(text)))


@given(spelled())
def test_a_target_is_printed_as_a_path_to_itself(case: tuple[str, Target]) -> None:
    _, target = case
    assert same(target, resolve(USER, parse_path(str(target))))


@given(st.text(max_size=40))
def test_any_text_is_a_path_or_is_refused_as_such(text: str) -> None:
    try:
        path = parse_path(text)
    except PathSyntaxError:
        return
    assert path == parse_path(str(path))


@given(st.text(alphabet='emailstyp.[]" eqworknt()\\:urn', max_size=60))
def test_any_text_is_a_patch_path_or_is_refused_as_such(text: str) -> None:
    try:
        path = parse_patch_path(USER, text)
    except (UnknownPath, InvalidPath, InvalidFilter):
        return
    assert str(path) == str(parse_patch_path(USER, str(path)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.manager.value", "value"),
        ("URN:IETF:PARAMS:SCIM:SCHEMAS:CORE:2.0:USER:NAME.GIVENNAME", "givenName"),
        ("members.$ref", None),
        ("department", "department"),
    ],
)
def test_a_path_ends_at_its_last_name(text: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(UnknownPath):
            resolve(USER, parse_path(text))
        return
    leaf = resolve(USER, parse_path(text)).leaf
    assert leaf is not None
    assert expected == leaf.name
