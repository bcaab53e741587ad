"""What the host product plugs in: its hooks, what they are told and what they may raise."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeVar

from msgspec import Struct

from scim_asgi.errors import ScimAsgiError

Change = Literal["create", "update", "deactivate", "reactivate", "delete"]
Hook = Callable[[Any, "HookContext"], Awaitable[Any]]
H = TypeVar("H", bound=Callable[..., Awaitable[Any]])
AccountT_contra = TypeVar("AccountT_contra", contravariant=True)

_REQUIRED = ("create", "update", "deactivate")
_FALLBACK: dict[str, str] = {"reactivate": "update", "delete": "deactivate"}
CHANGES = (*_REQUIRED, *_FALLBACK)
READ = "read"
"""The hook that says what the host really has."""

AccountFieldsById = Mapping[str, Mapping[str, Any] | Struct]
ReadHook = Callable[[Sequence[str]], Awaitable[AccountFieldsById]]


class AccountConflict(ScimAsgiError):
    """Raised by a hook: another account of the product stands in the way.

    The directory is answered 409 `uniqueness`; the message is shown to its admin.
    """


class AccountRejected(ScimAsgiError):
    """Raised by a hook: the product does not accept the account as it is.

    The directory is answered 400 `invalidValue`; the message is shown to its admin.
    """


class TryAgainLater(ScimAsgiError):
    """Raised by a hook: not now.

    The directory is answered 503 with `Retry-After`.

    Args:
        seconds: How long to wait.
        message: Shown to the directory's admin.
    """

    def __init__(self, seconds: float, message: str = "The product is busy.") -> None:
        super().__init__(message)
        self.seconds = seconds


class HooksIncomplete(ScimAsgiError):
    """Some hooks were given and required ones were not."""


class HookContext(Struct, frozen=True, kw_only=True):
    """What a hook is told besides the account.

    Attributes:
        organization_id: The organization that the account belongs to.
        change: What is asked for.
        changes: Account field to its value before and after; before is None when there was none.
        delivery_id: The same on every repeat of this delivery, and on no other.
        attempt: 1 for the first try.
        directory: Which directory sent it: entra, okta, google, onelogin, … or unknown.
        reason: What made it necessary, in words.
        resource: The SCIM User as JSON.
        password: A password that the directory sent for the person; it is handed on this once
            and never stored.
    """

    organization_id: str
    change: Change
    changes: dict[str, tuple[Any, Any]]
    delivery_id: str
    attempt: int
    directory: str
    reason: str
    resource: dict[str, Any]
    password: str | None = None


class ReadableAccounts(Protocol):
    """The optional hook that `scim-asgi drift` asks."""

    async def read(self, account_ids: Sequence[str]) -> AccountFieldsById:
        """Return what the host has of some accounts, by ``account.id``.

        Accounts that it does not have are left out. A value has account fields by name, or is an
        account; fields that are left out are not compared. `active` says whether it is open.
        """


class AccountHooks(Protocol[AccountT_contra]):
    """The hooks that every host has; `reactivate`, `delete` and `read` may be there too.

    A hook has to be idempotent on ``account.id``: a delivery whose outcome is unknown is
    repeated. Without `reactivate`, `update` is called; without `delete`, `deactivate`.
    """

    async def create(self, account: AccountT_contra, context: HookContext, /) -> str | None:
        """Create the account and return the host's own id for it, if it has one."""

    async def update(self, account: AccountT_contra, context: HookContext, /) -> None:
        """Take over the account's fields."""

    async def deactivate(self, account: AccountT_contra, context: HookContext, /) -> None:
        """Close the account, so that the person can come back."""


class HookSet:
    """The hooks of a host, given as an object or one by one.

    Args:
        host: An object with async methods named as the changes, or None.

    Raises:
        TypeError: It lacks `create`, `update` or `deactivate`, or one of them is not async.
    """

    def __init__(self, host: object | None = None) -> None:
        self._hooks: dict[str, Callable[..., Awaitable[Any]]] = {}
        if host is None:
            return
        for name in (*CHANGES, READ):
            hook = getattr(host, name, None)
            if hook is not None:
                self.register(name, hook)
        if self.missing() or not self:
            lacking = ", ".join(self.missing() or _REQUIRED)
            msg = f"hooks lacks {lacking}: give it an async method of each name."
            raise TypeError(msg)

    def __bool__(self) -> bool:
        return not self._hooks.keys().isdisjoint(CHANGES)

    def missing(self) -> list[str]:
        """Return the required hooks that are not there; nothing when there are none at all."""
        return [name for name in _REQUIRED if name not in self._hooks] if self else []

    def register(self, name: str, hook: H) -> H:
        """Use a hook for a change and return it.

        Raises:
            TypeError: It is not async.
        """
        if not inspect.iscoroutinefunction(hook) and not inspect.iscoroutinefunction(
            getattr(hook, "__call__", None)  # noqa: B004 - the method itself is looked at
        ):
            msg = f"The hook {name} has to be async: write `async def`."
            raise TypeError(msg)
        self._hooks[name] = hook
        return hook

    def reader(self) -> ReadHook | None:
        """Return the hook that says what the host has, or None."""
        return self._hooks.get(READ)

    def find(self, change: str) -> Hook | None:
        """Return the hook for a change, or the one that takes its place, or None."""
        return self._hooks.get(change) or self._hooks.get(_FALLBACK.get(change, ""))
