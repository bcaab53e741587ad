"""The host's account type: its fields are what a mapping can fill."""

from __future__ import annotations

import re
from typing import Any, Generic, get_origin

import msgspec
from msgspec import Struct, inspect
from msgspec.structs import FieldInfo, fields
from typing_extensions import TypeVar

from scim_asgi.mapping.analysis import Shape
from scim_asgi.mapping.kinds import ANY, LIST, TEXT, kind_of, kinds_of_type, said

METADATA = "public_metadata"
EMAIL = "email_address"
ROLE = "organization_role"
SERVER_FIELDS = frozenset({"id", "host_id", "organization_id", "email_verified"})
"""Fields that are filled for the host where its account type has them."""

_PLAIN: tuple[tuple[Any, type], ...] = (
    (str, str),
    (bool, bool),
    (str | None, str),
    (bool | None, bool),
)


_find_address = re.compile(r"[^@\s]+@[^@\s]+").fullmatch


def is_address(value: Any) -> bool:
    """Return whether a value is a text of two parts around one @, with no white space anywhere."""
    return isinstance(value, str) and _find_address(value) is not None


class Account(Struct, frozen=True, kw_only=True):
    """An account of the host product, as a directory wants it.

    Attributes:
        id: The account's id, made here; it stays the same for as long as the person is known.
        organization_id: The organization that the account belongs to.
        email_address: The address, as the directory has it.
        host_id: What the hook `create` returned; None before.
        first_name: The given name.
        last_name: The family name.
        external_id: The directory's own id of the person.
        active: Whether the account is to be open.
        organization_role: The role in the organization.
        public_metadata: Free-form values by key, each with its JSON type.
        email_verified: True: the directory asserts the address.
    """

    id: str
    organization_id: str
    email_address: str
    host_id: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    external_id: str | None = None
    active: bool = True
    organization_role: str | None = None
    public_metadata: dict[str, Any] = {}
    email_verified: bool = True


A = TypeVar("A", bound=Struct, default=Account)
"""The host's account type."""


class Misfit(ValueError):
    """A value, or every value of its kind, that a field cannot hold; the message says why."""


class AccountFields(Generic[A]):
    """The fields of an account type.

    Args:
        account_type: The host's own :class:`msgspec.Struct`.

    Raises:
        TypeError: It is none.
    """

    def __init__(self, account_type: type[A]) -> None:
        if not (isinstance(account_type, type) and issubclass(account_type, Struct)):
            msg = f"account is {account_type!r}; it has to be a msgspec.Struct type."
            raise TypeError(msg)
        self._type = account_type
        self._fields: dict[str, FieldInfo] = {each.name: each for each in fields(account_type)}
        self._kinds = {
            name: kinds_of_type(inspect.type_info(field.type))
            for name, field in self._fields.items()
        }
        # Values of these types stay as they are. Types need not be hashable.
        self._plain = {
            name: kind
            for name, field in self._fields.items()
            for plain, kind in _PLAIN
            if field.type == plain
        }
        self.names = tuple(name for name in self._fields if name not in SERVER_FIELDS)
        self.described = {
            name: said(self._kinds[name]) + (", required" if field.required else "")
            for name, field in sorted(self._fields.items())
        }
        self.required = tuple(name for name in self.names if self._fields[name].required)
        metadata = self._fields.get(METADATA)
        self.has_metadata = (
            metadata is not None and (get_origin(metadata.type) or metadata.type) is dict
        )

    def has(self, destination: str) -> bool:
        """Return whether a destination is a field or a key of the free-form metadata."""
        field, dot, key = destination.partition(".")
        if field == METADATA and self.has_metadata:
            return bool(dot and key)
        return not dot and field in self.names

    def accepts(self, destination: str, value: Any) -> bool:
        """Return whether a value can be that destination's; an address has to look like one."""
        return destination != EMAIL or is_address(value)

    def check(self, destination: str, shape: Shape) -> None:
        """Check that what a path or expression yields can ever be that destination's.

        Raises:
            Misfit: No value of these kinds fits.
        """
        held = self._kinds.get(destination, ANY)
        found = shape.all_kinds
        if destination == EMAIL:
            held = TEXT
        if not found & held:
            msg = f'"{destination}" holds {said(held)}, and this always gives {said(found)}'
            if found == LIST:
                msg += "; pick an item with first or last, or with an index in the path"
            raise Misfit(msg)

    def check_constant(self, destination: str, value: Any) -> None:
        """Check that a literal of an expression can be that destination's.

        Raises:
            Misfit: It cannot.
        """
        if not self.accepts(destination, value):
            msg = f'"{value}" is no e-mail address'
            raise Misfit(msg)
        self.convert(destination, value)

    def convert(self, destination: str, value: Any) -> Any:
        """Return a value as JSON of the destination's type.

        Raises:
            Misfit: It does not fit.
        """
        field = self._fields.get(destination)
        if field is None or type(value) is self._plain.get(destination):
            return value
        try:
            return msgspec.to_builtins(msgspec.convert(value, field.type, strict=False))
        except (msgspec.ValidationError, ValueError) as error:
            kind = kind_of(value)
            found = "an object" if kind is None else said(frozenset({kind}))
            msg = f'the account field "{destination}" cannot be {found} like this: {error}'
            raise Misfit(msg) from None

    def unconverted(self, destination: str) -> type:
        """Return the type whose values stay as they are; `object` where all do."""
        if destination not in self._fields:
            return object
        return self._plain.get(destination, type(None))

    def default(self, name: str) -> Any:
        """Return what a field holds where nothing is mapped to it, as JSON; None for nothing."""
        field = self._fields[name]
        if field.default_factory is not msgspec.NODEFAULT:
            return msgspec.to_builtins(field.default_factory())
        return None if field.required else msgspec.to_builtins(field.default)

    def build(
        self,
        values: dict[str, Any],
        *,
        id: str,  # noqa: A002 - the field is called so
        host_id: str | None,
        organization_id: str,
    ) -> A:
        """Return the account that a hook gets.

        Args:
            values: Mapped fields, as :meth:`convert` made them.
            id: The account's id.
            host_id: The host's own id.
            organization_id: The organization.

        Raises:
            msgspec.ValidationError: The account type has changed since the fields were mapped.
        """
        filled = values.copy()
        filled["id"] = id
        filled["host_id"] = host_id
        filled["organization_id"] = organization_id
        filled["email_verified"] = EMAIL in values
        if not filled.keys() <= self._fields.keys():
            filled = {name: value for name, value in filled.items() if name in self._fields}
        return msgspec.convert(filled, self._type, strict=False)
