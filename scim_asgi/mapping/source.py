"""Source paths: where in a User a mapping takes a value from."""

from __future__ import annotations

import re

from msgspec import Struct
from msgspec.structs import replace

from scim_asgi.errors import ScimAsgiError
from scim_asgi.mapping.analysis import Shape
from scim_asgi.mapping.elements import names_in
from scim_asgi.mapping.kinds import ANY, LIST, SCALARS, kinds_of_attribute
from scim_asgi.mapping.steps import All, Index, Member, Read, Step, Where, compile_steps
from scim_asgi.protocol.core import user_definition
from scim_asgi.protocol.errors import InvalidFilter
from scim_asgi.protocol.filters import parse_value_filter
from scim_asgi.protocol.schemas import Attribute

_VERSIONED = re.compile(r"(urn:[^\[\]]*?:\d+(?:\.\d+)+:[A-Za-z0-9_-]+)[.:](.+)", re.IGNORECASE)
_PLAIN = re.compile(r"(urn:[^\[\].]*[^\[\].:])[.:]([^:]+)", re.IGNORECASE)
_SEGMENT = re.compile(
    r"(\$?[A-Za-z][A-Za-z0-9_$-]*)((?:\[(?:[^\]\"]|\"(?:[^\"\\]|\\.)*\")*\])?)(?:\.|$)"
)
_NOT_STORED = frozenset({"meta"})
_USER = user_definition()


class SourceError(ScimAsgiError):
    """A text that is no source path, or names what a User cannot have.

    Args:
        message: What is wrong and what to do.
        position: The character in the path, from 0.
    """

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(message)
        self.position = position


_UNKNOWN = Shape(kinds=ANY, items=SCALARS)


class Source(Struct, frozen=True):
    """A parsed source path.

    Attributes:
        urn: The extension whose container is looked into; None for the User itself.
        steps: What leads to the value.
        read: Takes the value from a User.
        shape: What the value may be.
    """

    urn: str | None
    steps: tuple[Step, ...]
    read: Read
    shape: Shape

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the attribute and what is below it."""
        return tuple(step.name for step in self.steps if isinstance(step, Member))

    @property
    def has_filter(self) -> bool:
        """Whether an element is picked by a filter, which is preferred to a path without one."""
        return any(isinstance(step, Where) for step in self.steps)

    @property
    def attribute(self) -> str | None:
        """The name of the User's own attribute, case-folded; None in an extension."""
        return self.names[0].casefold() if self.urn is None else None

    @property
    def identity(self) -> tuple[str, ...]:
        """What makes two paths the same path, however they are written."""
        parts = (str(step) for step in self.steps)
        return ((self.urn or "").casefold(), *(part.casefold() for part in parts))


def parse_source(text: str) -> Source:
    """Parse a source path, and check that a User can have what it names.

    Any extension may be named, known or not.

    Raises:
        SourceError: It does not parse, or is unknown.
    """
    urn, rest = _split(text)
    offset = len(text) - len(rest)
    steps = tuple(_steps(rest, offset))
    names = [step.name for step in steps if isinstance(step, Member)]
    attribute = _attribute(urn, names[0], offset)
    shape = _UNKNOWN
    if attribute is not None:
        _check_filters(steps, attribute, offset + rest.find("[") + 1)
        value = _value(attribute, names[1:], offset + rest.rfind(".") + 1)
        shape = _shape(steps, attribute, value)
    read = compile_steps(steps if urn is None else (Member(urn), *steps))
    return Source(urn, steps, read, shape)


def _split(text: str) -> tuple[str | None, str]:
    if not text.casefold().startswith("urn:"):
        return None, text
    for form in (_VERSIONED, _PLAIN):
        match = form.fullmatch(text)
        if match is not None:
            own = _USER.is_own_schema(match[1])
            return (None if own else match[1]), match[2]
    msg = "the path has a URN and no attribute behind it"
    raise SourceError(msg)


def _steps(text: str, offset: int) -> list[Step]:
    steps: list[Step] = []
    position = 0
    while position < len(text):
        match = _SEGMENT.match(text, position)
        if match is None:
            msg = f'"{text[position:]}" is no attribute, such as userName or name.givenName'
            raise SourceError(msg, offset + position)
        steps.append(Member(match[1]))
        if match[2]:
            steps.append(_selector(match[2][1:-1].strip(), offset + match.start(2)))
        position = match.end()
    if not steps or text.endswith("."):
        msg = "the path ends where an attribute is expected"
        raise SourceError(msg, offset + len(text))
    return steps


def _selector(text: str, position: int) -> Step:
    if text == "*":
        return All()
    if text.isascii() and text.isdigit() and len(text) < 6:
        return Index(int(text))
    try:
        return Where(parse_value_filter(text))
    except InvalidFilter as error:
        msg = f"[{text}] is neither an index, nor *, nor a filter: {error.detail}"
        raise SourceError(msg, position) from None


def _attribute(urn: str | None, name: str, position: int) -> Attribute | None:
    """Return the attribute that a path begins with; None in an extension that nobody knows."""
    if urn is None:
        known = _USER.attributes
        where = "a User"
    else:
        extension = _USER.extension(urn)
        if extension is None:
            return None
        known, where = extension.by_name, extension.id
    attribute = known.get(name.casefold())
    if attribute is None or attribute.is_hidden or attribute.name in _NOT_STORED:
        msg = f'{where} has no "{name}" to map; name an attribute such as userName, title or emails'
        raise SourceError(msg, position)
    return attribute


def _value(attribute: Attribute, names: list[str], position: int) -> Attribute:
    """Return the simple attribute whose value a path yields; behind it may stand a label."""
    subs = _subs(attribute)
    sub = subs.get(names[0].casefold() if names else "value")
    known = ", ".join(each.name for each in subs.values()) or "no sub-attributes"
    if len(names) > 1 or (attribute.is_complex and names and sub is None):
        path = f"{attribute.name}.{'.'.join(names)}"
        msg = f'"{path}" is unknown; {attribute.name} has {known}'
        raise SourceError(msg, position)
    if attribute.is_complex and sub is None:
        msg = f'"{attribute.name}" is an object; name one of its sub-attributes: {known}'
        raise SourceError(msg, position)
    return attribute if sub is None else sub


def _subs(attribute: Attribute) -> dict[str, Attribute]:
    """Return what a mapping may name of an attribute, by case-folded name."""
    if attribute.name != "groups":
        return attribute.subs
    display_name = replace(attribute.subs["display"], name="displayName")
    subs = {**attribute.subs, "displayname": display_name}
    return {name: sub for name, sub in subs.items() if name != "$ref"}


def _check_filters(steps: tuple[Step, ...], attribute: Attribute, position: int) -> None:
    subs = _subs(attribute) or {"value": attribute}
    for step in steps:
        for name in names_in(step.node) if isinstance(step, Where) else ():
            if name.casefold() not in subs:
                known = ", ".join(each.name for each in subs.values())
                msg = f'the filter names "{name}"; {attribute.name} has {known}'
                raise SourceError(msg, position)


def _shape(steps: tuple[Step, ...], attribute: Attribute, value: Attribute) -> Shape:
    kinds = kinds_of_attribute(value)
    is_list = attribute.multi_valued
    for step in steps:
        if not isinstance(step, Member):
            is_list = isinstance(step, All)
    return Shape(kinds=LIST if is_list else kinds, items=kinds)
