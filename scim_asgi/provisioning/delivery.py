"""One delivery to the host: which change it is, the call of the hook, and how it ended."""

from __future__ import annotations

import asyncio
import logging
import math
import time
import traceback
from functools import partial
from typing import Any, Literal

import msgspec
from msgspec import Struct

from scim_asgi.mapping.fields import AccountFields
from scim_asgi.protocol.errors import (
    InternalError,
    InvalidValue,
    ScimError,
    Unavailable,
    Uniqueness,
)
from scim_asgi.provisioning.hooks import (
    AccountConflict,
    AccountRejected,
    Change,
    Hook,
    HookContext,
    HookSet,
    TryAgainLater,
)
from scim_asgi.store.records import AccountRecord

logger = logging.getLogger("scim_asgi.hooks")

RETRY_AFTER = 5
"""Seconds after which a directory is asked to try again when a hook took too long."""


class Outcome(Struct, frozen=True, kw_only=True):
    """How a delivery ended.

    Attributes:
        kind: `confirmed`; `refused` (the host does not do it); `later` (it has not done it yet);
            `unknown`.
        hook: What the log says of the call: change, attempts and milliseconds.
        host_id: What `create` returned.
        error: What the directory is answered.
        seconds: After how many seconds the host wants to be asked again, if it said so.
    """

    kind: Literal["confirmed", "refused", "later", "unknown"]
    hook: dict[str, Any]
    host_id: str | None = None
    error: ScimError | None = None
    seconds: float | None = None


class Delivery:
    """Calls the host's hooks.

    Args:
        hooks: The hooks.
        fields: How an account is built from mapped fields.
        timeout: Seconds that a hook may take.
    """

    def __init__(self, hooks: HookSet, fields: AccountFields[Any], timeout: float) -> None:
        self._hooks = hooks
        self._fields = fields
        self.timeout = timeout
        self._running: dict[str, asyncio.Future[Any]] = {}
        self._is_ending = False

    def end(self) -> None:
        """Cancel the hooks that are being called, whose outcome is then unknown; call no more."""
        self._is_ending = True
        for task in self._running.values():
            task.cancel()

    def begin(self) -> None:
        """Call hooks again."""
        self._is_ending = False

    async def deliver(
        self,
        account: AccountRecord,
        resource: dict[str, Any],
        *,
        directory: str,
        password: str | None = None,
    ) -> Outcome:
        """Tell the host what the directory wants of an account.

        Args:
            account: What is wanted and what was confirmed; it has a delivery_id.
            resource: The SCIM User as JSON.
            directory: Which directory sent it.
            password: A password to hand on.
        """
        change = change_of(account)
        if change is None:
            return Outcome(kind="confirmed", hook={})
        hook = self._hooks.find(change)
        if hook is None:
            logger.error("There is no hook for %s; give ScimApp one.", change)
            return _unknown({"change": change})
        try:
            built = self._built(account)
        except msgspec.ValidationError:
            logger.exception("The account type does not fit what is stored of %s.", account.id)
            return _unknown({"change": change})
        context = HookContext(
            organization_id=account.organization_id,
            change=change,
            changes=changes_of(account),
            delivery_id=account.delivery_id or "",
            attempt=account.attempt + 1,
            directory=directory,
            reason=account.reason,
            resource=resource,
            password=password,
        )
        return await self._call(hook, built, account.id, context)

    def _built(self, account: AccountRecord) -> Any:
        return self._fields.build(
            account.wanted,
            id=account.id,
            host_id=account.host_id,
            organization_id=account.organization_id,
        )

    async def _call(
        self, hook: Hook, account: Any, account_id: str, context: HookContext
    ) -> Outcome:
        said: dict[str, Any] = {"change": context.change, "attempt": context.attempt}
        earlier = self._running.get(account_id)
        if earlier is not None and not earlier.done():
            logger.error("A hook for account %s still runs after it was cancelled.", account_id)
            return _unknown(said)
        if self._is_ending:
            later = Unavailable("The server is being stopped; try again.", RETRY_AFTER)
            return Outcome(kind="later", hook={}, error=later)
        began = time.perf_counter()
        task = self._running[account_id] = asyncio.create_task(_called(hook, account, context))
        try:
            await _wait(task, self.timeout)
            if not task.done():
                task.cancel()
                await _wait(task, 1)
        finally:
            if task.done():
                self._forget(account_id, task)
            else:
                task.add_done_callback(partial(self._forget, account_id))
        said["milliseconds"] = round((time.perf_counter() - began) * 1000)
        return _outcome(task, context, said)

    def _forget(self, account_id: str, task: asyncio.Future[Any]) -> None:
        if self._running.get(account_id) is task:
            del self._running[account_id]


async def _wait(task: asyncio.Task[Any], seconds: float) -> None:
    """Wait until a task has ended, but not too long; whoever is cancelled meanwhile, it is not.

    It does for one task what `asyncio.wait` does for any number, for half of the cost.
    """
    loop = asyncio.get_running_loop()
    woken = loop.create_future()
    wake = partial(_wake, woken)
    timer = loop.call_later(seconds, wake)
    task.add_done_callback(wake)
    try:
        await woken
    finally:
        timer.cancel()
        task.remove_done_callback(wake)


def _wake(waiting: asyncio.Future[None], _task: asyncio.Future[Any] | None = None) -> None:
    if not waiting.done():
        waiting.set_result(None)


async def _called(hook: Hook, account: Any, context: HookContext) -> Any:
    """Call a hook; one that would end the process has failed, like any other that raises."""
    try:
        return await hook(account, context)
    except SystemExit as error:
        msg = "the hook raised SystemExit"
        raise RuntimeError(msg) from error


def change_of(account: AccountRecord) -> Change | None:
    """Return which hook brings the host from what it confirmed to what is wanted.

    A host that confirmed nothing may have the account all the same: a call of `create` whose
    outcome is unknown came before. So a deletion is always told.
    """
    wanted, confirmed = account.wanted_state, account.confirmed_state
    if wanted == "deleted":
        return None if confirmed == "deleted" else "delete"
    if confirmed is None:
        return "create"
    if wanted == "inactive":
        return "update" if confirmed == "inactive" else "deactivate"
    return "update" if confirmed == "active" else "reactivate"


def changes_of(account: AccountRecord) -> dict[str, tuple[Any, Any]]:
    """Return each field that differs from what was confirmed, with its old and new value."""
    before, after = account.confirmed, account.wanted
    if not before:
        return {name: (None, new) for name, new in after.items() if new is not None}
    changes = {}
    for name, old in before.items():
        new = after.get(name)
        if old != new:
            changes[name] = old, new
    for name, new in after.items():
        if new is not None and name not in before:
            changes[name] = None, new
    return changes


def _outcome(task: asyncio.Future[Any], context: HookContext, said: dict[str, Any]) -> Outcome:
    where = f"{context.change} of delivery {context.delivery_id}"
    if not task.done() or task.cancelled():
        logger.error("The hook %s did not finish in time.", where)
        msg = "The product did not answer in time; the change is retried."
        return Outcome(kind="unknown", hook=said, error=Unavailable(msg, RETRY_AFTER))
    error = task.exception()
    if error is None:
        return _confirmed(task.result(), context, said)
    if isinstance(error, TryAgainLater):
        later = Unavailable(_message(error, context), max(1, math.ceil(error.seconds)))
        return Outcome(kind="later", hook=said, error=later, seconds=error.seconds)
    refusal = _refusal(error, context)
    if refusal is not None:
        return Outcome(kind="refused", hook=said, error=refusal)
    if _holds_password(error, context):
        kind = type(error).__name__
        logger.error("The hook %s failed with %s; what it says holds the password.", where, kind)
    else:
        logger.error("The hook %s failed.", where, exc_info=error)
    return _unknown(said)


def _holds_password(error: BaseException, context: HookContext) -> bool:
    written = "".join(traceback.format_exception(error))
    return bool(context.password) and str(context.password) in written


def _message(error: BaseException, context: HookContext) -> str:
    """Return what a hook says to the directory's admin, without the person's password."""
    message = _storable(str(error))
    return message.replace(context.password, "***") if context.password else message


def _unknown(said: dict[str, Any]) -> Outcome:
    msg = "The product failed to apply the change; it is retried. The product's log says more."
    return Outcome(kind="unknown", hook=said, error=InternalError(msg))


def _confirmed(result: Any, context: HookContext, said: dict[str, Any]) -> Outcome:
    host_id = result if context.change == "create" else None
    if host_id is not None and not _is_text(host_id):
        logger.error("The hook create returned %s; return a str or None.", type(result).__name__)
        msg = "The product's answer could not be used; its log says more."
        return Outcome(kind="unknown", hook=said, error=InternalError(msg))
    return Outcome(kind="confirmed", hook=said, host_id=host_id)


def _is_text(value: Any) -> bool:
    """Return whether a value is a text that can be stored: half a surrogate pair cannot."""
    return isinstance(value, str) and value == _storable(value)


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _refusal(error: BaseException, context: HookContext) -> ScimError | None:
    message = _message(error, context)
    if isinstance(error, AccountConflict):
        return Uniqueness(message or "The product has another account with these details.")
    if isinstance(error, AccountRejected):
        return InvalidValue(message or "The product does not accept this account.")
    return None
