"""What can be wrong with a mapping, when it is saved and when it runs."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from scim_asgi.errors import ScimAsgiError


class MappingProblem(Struct, frozen=True):
    """One thing that is wrong with an override.

    Attributes:
        key: The SCIM path, as the override has it.
        message: What is wrong and what to do.
        position: The character in the path or in the value, from 0; None when it is not about one.
        part: Which of the two the position is in.
    """

    key: str
    message: str
    position: int | None = None
    part: Literal["path", "value"] = "value"

    def __str__(self) -> str:
        where = " of the path" if self.part == "path" else ""
        place = "" if self.position is None else f", character {self.position + 1}{where}"
        return f'"{self.key}"{place}: {self.message}'


class MappingError(ScimAsgiError):
    """An override, or role rules, that cannot be saved.

    Args:
        problems: All that is wrong, in the order of the override's keys.
    """

    def __init__(self, problems: tuple[MappingProblem, ...]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


class Unmappable(ScimAsgiError):
    """A User of whom the mapping makes no account.

    Args:
        field: The account field that gets no value, or one that does not fit.
        detail: For the directory's admin.
    """

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field
        self.detail = detail


class MappingUnusable(Unmappable):
    """What an organization has saved does not fit the host's account type or roles any more.

    Args:
        problem: What is wrong, for the host's own people.
    """

    def __init__(self, problem: str) -> None:
        super().__init__("", problem)


class ExpressionError(ScimAsgiError):
    """An expression that does not compile.

    Args:
        message: What is wrong and what to do.
        position: The character in the source, from 0.
    """

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(message)
        self.position = position


class ExpressionFailure(ScimAsgiError):
    """An expression that was stopped while it ran; the message says why."""
