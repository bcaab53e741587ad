"""What the admin API answers when it refuses: ``{"errors": [{"code", "message", "meta"}]}``."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import UNSET, Struct, UnsetType

from scim_asgi.errors import ScimAsgiError


class ErrorMeta(Struct, frozen=True):
    """Where in a request something is wrong.

    Attributes:
        param: The field of the body, the query parameter or the part of the path.
    """

    param: str


class ErrorItem(Struct, frozen=True):
    """One thing that is wrong.

    Attributes:
        code: What it is, for programs.
        message: What it is and what to do, for people.
        meta: Where it is, where that can be said.
    """

    code: str
    message: str
    meta: ErrorMeta | UnsetType = UNSET


class ErrorList(Struct, frozen=True):
    """The body of every answer that refuses."""

    errors: list[ErrorItem]


class AdminError(ScimAsgiError):
    """A request that is refused.

    Args:
        status: The HTTP status.
        code: What is wrong, for programs.
        message: Likewise for people, with what to do.
        param: What of the request it is about.
        headers: Further headers of the answer.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.items = [problem(code, message, param)]


class Invalid(AdminError):
    """A request whose content cannot be used: 422, with everything that is wrong.

    Args:
        items: What is wrong.
    """

    def __init__(self, items: Iterable[ErrorItem]) -> None:
        self.items = list(items)
        ScimAsgiError.__init__(self, "; ".join(item.message for item in self.items))
        self.status = 422
        self.headers = {}


class NotSignedIn(AdminError):
    """Nobody is known to have asked: 401. An `authorize` may raise it."""

    def __init__(
        self, message: str = "Send a valid secret key: Authorization: Bearer <secret key>."
    ) -> None:
        headers = {"WWW-Authenticate": 'Bearer realm="admin"'}
        super().__init__(401, "unauthenticated", message, headers=headers)


def problem(code: str, message: str, param: str | None = None) -> ErrorItem:
    """Return one thing that is wrong."""
    return ErrorItem(code, message, UNSET if param is None else ErrorMeta(param))


def not_found(message: str, param: str | None = None) -> AdminError:
    """Return the answer about something that is not there, or belongs to somebody else."""
    return AdminError(404, "not_found", message, param=param)
