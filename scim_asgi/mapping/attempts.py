"""How a field comes to its value: what was tried, in order, and why it was not taken."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

TAKEN = "something before it was taken"


class Attempt(Struct, frozen=True, kw_only=True):
    """One thing that was tried for a field.

    Attributes:
        key: The SCIM path, or what it is besides, such as a role rule.
        expression: The expression, or None.
        is_default: Whether it is a default and not of the override.
        held: What the path holds in the User.
        value: What comes of it, as JSON of the field's type.
        lost: Why it was not taken; empty for the one that was.
        stops: Whether it is an error, for which the whole User is refused.
        note: What the provisioning log is to say of it.
    """

    key: str
    expression: str | None = None
    is_default: bool = False
    held: Any = None
    value: Any = None
    lost: str = ""
    stops: bool = False
    note: str = ""

    @property
    def detail(self) -> str:
        """What is wrong, for the directory's admin."""
        return f'"{self.key}" holds {shown(self.held)}, and {self.lost}.'


class Explanation(Struct, frozen=True, kw_only=True):
    """How a field got its value, or why it has none.

    Attributes:
        destination: The account field, or ``public_metadata.<key>``.
        value: The value; None when there is none.
        attempts: What was tried for it, in order of preference.
        remark: What there is to say when nothing was taken.
    """

    destination: str
    value: Any
    attempts: tuple[Attempt, ...] = ()
    remark: str = ""

    @property
    def winner(self) -> Attempt | None:
        """What gave the value."""
        return next((attempt for attempt in self.attempts if not attempt.lost), None)


def shown(value: Any) -> str:
    """Return a value as people read it, cut where it is long."""
    if value is None:
        return "nothing"
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 80 else text[:79] + "…"
