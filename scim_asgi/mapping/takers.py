"""What a field gets, worked out without a word about it: the short way of `attempts`."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from scim_asgi.mapping.entries import Entry
from scim_asgi.mapping.fields import EMAIL, ROLE, AccountFields, is_address
from scim_asgi.mapping.roles import RolePolicy


class Taker:
    """Takes for one destination what the first attempt that is not lost would.

    Args:
        destination: The account field, or ``public_metadata.<key>``.
        entries: The entries that may fill it, in their order of preference.
        fields: The fields of the host's account type.
        roles: The role rules and the roles that the host knows.

    Attributes:
        destination: The same.
        key: The key in the metadata; empty for a field.
    """

    def __init__(
        self,
        destination: str,
        entries: list[Entry],
        fields: AccountFields[Any],
        roles: RolePolicy,
    ) -> None:
        self.destination = destination
        self.key = destination.partition(".")[2]
        self._tries = [
            (entry.source.read, None if entry.expression is None else entry.made_of, entry)
            for entry in entries
        ]
        self._convert = fields.convert
        self._roles = roles
        self._is_address = destination == EMAIL
        self._is_role = destination == ROLE
        self._unconverted = fields.unconverted(destination)

    def take(self, user: dict[str, Any]) -> tuple[Any, Entry | None]:
        """Return the value and where it is from; UNSET where there is none.

        Raises:
            ExpressionFailure, Misfit: There is more to say of it: the attempts do.
        """
        for read, make, entry in self._tries:
            value = read(user)
            if make is not None:
                value = make(value)
            if value is None or (self._is_address and not is_address(value)):
                continue
            if type(value) is not self._unconverted and self._unconverted is not object:
                value = self._convert(self.destination, value)
            if self._is_role:
                self._roles.known(value)
            return value, entry
        return UNSET, None


class RuleTaker(Taker):
    """Takes a role by the rules, from the groups."""

    def take(self, user: dict[str, Any]) -> tuple[Any, Entry | None]:
        """Return the role, which is from no entry; UNSET where there is none.

        Raises:
            Misfit: The host does not know it.
        """
        return self._roles.of_groups(user.get("groups") or ()), None
