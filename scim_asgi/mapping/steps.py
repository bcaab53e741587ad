"""The steps of a source path, compiled to functions that lead from a User to a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from msgspec import Struct

from scim_asgi.mapping.elements import Test, compile_filter, member
from scim_asgi.protocol.filters import Node


class Member(Struct, frozen=True):
    """The member of an object by name, in any case; of each object in a list."""

    name: str


class Index(Struct, frozen=True):
    """The n-th element of a list, from 0."""

    number: int


class All(Struct, frozen=True):
    """All elements of a list."""


class Where(Struct, frozen=True):
    """The first element of a list that a filter matches."""

    node: Node


Step: TypeAlias = "Member | Index | All | Where"

Read: TypeAlias = "Callable[[dict[str, Any]], Any]"
"""Takes a value from a User: JSON without empty values, None when there is none.

A list comes without nested lists, and objects stand for their `value`.
"""


def compile_steps(steps: tuple[Step, ...]) -> Read:
    """Return a function that follows steps from a User to a value."""
    takes = [_compile(step, is_last=step is steps[-1]) for step in steps]

    def read(resource: dict[str, Any]) -> Any:
        found: Any = resource
        for take in takes:
            found = take(found)
            if found is None:
                return None
        return found if found and type(found) is str else _plain(found)

    names = [step.name for step in steps if isinstance(step, Member)]
    return _straight(names, read) if len(names) == len(steps) else read


def _straight(names: list[str], read: Read) -> Read:
    """Return a function that gets what objects hold under these very names, and else reads."""

    def get(resource: dict[str, Any]) -> Any:
        found: Any = resource
        for name in names:
            if type(found) is not dict:
                return read(resource)
            found = found.get(name)
        return found if type(found) is bool or (found and type(found) is str) else read(resource)

    return get


def _compile(step: Step, *, is_last: bool) -> Callable[[Any], Any]:
    """Return what a step takes from anything but None."""
    match step:
        case Member(name):
            return _taking(name, is_last=is_last)
        case Index(number):
            return lambda found: next(iter(_items(found)[number : number + 1]), None)
        case All():
            return _items
        case Where(node):
            return _finding(compile_filter(node))


def _finding(matches: Test) -> Callable[[Any], Any]:
    def find(found: Any) -> Any:
        for item in found if type(found) is list else _items(found):
            if matches(item):
                return item
        return None

    return find


def _taking(name: str, *, is_last: bool) -> Callable[[Any], Any]:
    def take(found: Any) -> Any:
        if isinstance(found, dict):
            value = found.get(name)
            return member(found, name) if value is None else value
        if isinstance(found, list):
            return [member(item, name) if isinstance(item, dict) else None for item in found]
        # Behind a simple value the last name is only a label.
        return found if is_last else None

    return take


def _items(found: Any) -> list[Any]:
    if isinstance(found, list):
        return found
    return [] if found is None else [found]


def _plain(found: Any) -> Any:
    if isinstance(found, dict):
        found = member(found, "value")
    if isinstance(found, list):
        items = [item for each in found for item in _items(_plain(each))]
        return items or None
    return None if found == "" else found
