"""ScimApp: the ASGI application that a host product mounts."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar, cast

from starlette.types import ASGIApp, Receive, Scope, Send

from scim_asgi.errors import ScimAsgiError
from scim_asgi.http.responses import send_error
from scim_asgi.mapping.fields import A, Account, AccountFields
from scim_asgi.protocol.core import group_definition, user_definition
from scim_asgi.protocol.definitions import Registry, ResourceDefinition
from scim_asgi.protocol.errors import ScimError, Unavailable
from scim_asgi.protocol.limits import DEFAULT_LIMITS, Limits
from scim_asgi.protocol.resources import UnknownAttributes
from scim_asgi.provisioning.connections import Connections
from scim_asgi.provisioning.guard import Guard
from scim_asgi.provisioning.hooks import AccountHooks, HookContext, HookSet, ReadHook
from scim_asgi.provisioning.host import AccountTypeUse
from scim_asgi.provisioning.log_reader import ProvisioningLog
from scim_asgi.provisioning.mappings import Mappings
from scim_asgi.provisioning.members import UnknownMembers
from scim_asgi.provisioning.people import Groups, Users
from scim_asgi.provisioning.privacy import LogPolicy
from scim_asgi.provisioning.reconciliation import Reconciliation
from scim_asgi.provisioning.retention import LogRetention
from scim_asgi.provisioning.roles import Roles
from scim_asgi.provisioning.tokens import Tokens
from scim_asgi.runtime import Runtime
from scim_asgi.settings import checked_settings, database_path
from scim_asgi.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from scim_asgi.admin.actor import Authorize

logger = logging.getLogger("scim_asgi")

R = TypeVar("R", bound=ReadHook)
T = TypeVar("T")

Refuse: TypeAlias = Callable[[Send, ScimError], Awaitable[None]]

_NO_LIFESPAN = (
    "ScimApp opens its database on its first request. To have it open before and closed cleanly, "
    "give your application `lifespan=scim_app.lifespan`, or use `async with "
    "scim_app.lifespan():` in your own lifespan."
)

_DRAINING = "The server is being stopped; nothing was changed. Try again."


class ScimApp(Generic[A]):
    """A SCIM 2.0 service provider (RFC 7644) to mount into an ASGI application.

    It is generic in the account type: with ``account=Employee`` it is a ``ScimApp[Employee]``,
    whose hooks get an ``Employee``; without, hooks get an :class:`Account`.

    Args:
        database: ``sqlite:///scim.db``, a path, or ``sqlite:///:memory:``.
        hooks: An object with async methods `create`, `update` and `deactivate`, and perhaps
            `reactivate` and `delete` (see :class:`scim_asgi.provisioning.hooks.AccountHooks`).
            None where hooks come by decorator, or where nobody is to be told.
        account: The host's own :class:`msgspec.Struct` type for accounts.
        roles: The roles that the host knows, such as ``{"org:admin", "org:member"}``: no other
            one is passed on. None to pass on whatever is mapped.
        base_url: The public URL of the mount, such as ``https://acme.example/scim/v2``; needed
            behind a proxy that changes host or path. None to use the request's own.
        rate_limit: Operations for each token, such as ``100/second``; None for no limit.
        failed_auth_limit: Requests without a valid token from each address, such as
            ``100/minute``; None for no limit.
        hook_timeout: Seconds that a hook may take, 300 at most.
        resource_types: Further resource types.
        rate_limit_storage: A storage URI of the library `limits`, for limits that several
            processes share.
        mount_path: The prefix that a host leaves in the path, or takes off it, without saying so
            (Litestar).
        limits: What a request may cost.
        cursor_timeout: Seconds that a cursor of a list may be used (RFC 9865), a year at most.
        unknown_attributes: ``ignore`` or ``reject`` what no schema knows.
        unknown_members: ``skip`` or ``reject`` group members that nobody knows.
        unique_group_names: Whether two groups of an organization may not share a displayName.
        group_patch_body: Whether a PATCH of a group is answered 200 with the group, not 204.
        accept_bare_token: Whether an Authorization header may be the token alone.
        log_personal_data: Whether names and values are in the provisioning log and in what is
            logged of exceptions; without them ids, attributes and outcomes are. Python's loggers
            belong to the process: one ScimApp that says False decides for all.
        unpublished_attributes: What `/Schemas` leaves out, such as ``password`` or
            ``emails.display``, for clients that stumble over it; it works as before.
        guard: How much of an organization may be deactivated or deleted before a person has to
            look at it; None for everything.
        log_retention: How long the provisioning log is kept, and how many rows of it.
        shutdown_timeout: Seconds that a stop waits for hooks under way before they are cancelled
            and repeated at the next start.

    Raises:
        TypeError: `hooks` or `account` is not what it has to be.
        ValueError: Another argument is not; the message names it.
    """

    def __init__(
        self,
        database: str = "sqlite:///scim.db",
        hooks: AccountHooks[A] | None = None,
        account: type[A] | None = None,
        *,
        roles: Collection[str] | None = None,
        base_url: str | None = None,
        rate_limit: str | None = "100/second",
        failed_auth_limit: str | None = "100/minute",
        hook_timeout: float = 10.0,
        resource_types: Iterable[ResourceDefinition] = (),
        rate_limit_storage: str = "memory://",
        mount_path: str = "",
        limits: Limits = DEFAULT_LIMITS,
        cursor_timeout: float = 3600.0,
        unknown_attributes: UnknownAttributes = "ignore",
        unknown_members: UnknownMembers = "skip",
        unique_group_names: bool = True,
        group_patch_body: bool = False,
        accept_bare_token: bool = False,
        log_personal_data: bool = True,
        unpublished_attributes: Iterable[str] = (),
        guard: Guard | None = Guard(),  # noqa: B008 - frozen
        log_retention: LogRetention = LogRetention(),  # noqa: B008 - frozen
        shutdown_timeout: float = 20.0,
    ) -> None:
        settings = checked_settings(
            base_url=base_url,
            rate_limit=rate_limit,
            failed_auth_limit=failed_auth_limit,
            rate_limit_storage=rate_limit_storage,
            hook_timeout=hook_timeout,
            mount_path=mount_path,
            limits=limits,
            cursor_timeout=cursor_timeout,
            unknown_attributes=unknown_attributes,
            unknown_members=unknown_members,
            group_patch_body=group_patch_body,
            accept_bare_token=accept_bare_token,
            roles=roles,
            unpublished_attributes=unpublished_attributes,
            guard=guard,
            log_retention=log_retention,
            shutdown_timeout=shutdown_timeout,
        )
        groups = group_definition(unique_names=unique_group_names)
        self._settings = settings
        self._hooks = HookSet(hooks)
        # Without a type of the host's own, A is Account: the variable's default says so.
        account_type = cast("type[A]", Account) if account is None else account
        registry = Registry([user_definition(), groups, *resource_types])
        fields = AccountFields(account_type)
        policy = LogPolicy(registry, fields.names, personal_data=log_personal_data)
        store = SqliteStore(database_path(database), kept=policy.row)
        self._runtime: Runtime[A] = Runtime(store, registry, self._hooks, fields, settings, policy)
        self._users = 0
        self._under_way = 0
        self._is_draining = False

    @property
    def tokens(self) -> Tokens:
        """Issue, list and revoke bearer SCIM tokens."""
        return self._runtime.tokens

    @property
    def log(self) -> ProvisioningLog:
        """Read the provisioning log."""
        return self._runtime.log

    @property
    def mappings(self) -> Mappings[A]:
        """Read, replace, try out, preview and restore attribute mappings."""
        return self._runtime.mappings

    @property
    def reconciliation(self) -> Reconciliation:
        """See how much the host has yet to confirm, deliver it again, release what is held."""
        return self._runtime.reconciliation

    @property
    def users(self) -> Users:
        """See the users of an organization, each with its account and its history."""
        return self._runtime.users

    @property
    def groups(self) -> Groups:
        """See the groups of an organization."""
        return self._runtime.groups

    @property
    def connections(self) -> Connections:
        """See how the connection of an organization to its directory stands."""
        return self._runtime.connections

    @property
    def roles(self) -> Roles:
        """Read, replace and try out role rules."""
        return self._runtime.roles

    def on_create(
        self, hook: Callable[[A, HookContext], Awaitable[T]]
    ) -> Callable[[A, HookContext], Awaitable[T]]:
        """Use the decorated async function when an account is to be created.

        It returns the host's own id, or None.
        """
        return self._hooks.register("create", hook)

    def on_update(
        self, hook: Callable[[A, HookContext], Awaitable[T]]
    ) -> Callable[[A, HookContext], Awaitable[T]]:
        """Use the decorated async function when an account's fields change."""
        return self._hooks.register("update", hook)

    def on_deactivate(
        self, hook: Callable[[A, HookContext], Awaitable[T]]
    ) -> Callable[[A, HookContext], Awaitable[T]]:
        """Use the decorated async function when an account is to be closed."""
        return self._hooks.register("deactivate", hook)

    def on_reactivate(
        self, hook: Callable[[A, HookContext], Awaitable[T]]
    ) -> Callable[[A, HookContext], Awaitable[T]]:
        """Use the decorated async function when a closed account is to be opened again."""
        return self._hooks.register("reactivate", hook)

    def on_delete(
        self, hook: Callable[[A, HookContext], Awaitable[T]]
    ) -> Callable[[A, HookContext], Awaitable[T]]:
        """Use the decorated async function when the directory has deleted the person."""
        return self._hooks.register("delete", hook)

    def on_read(self, hook: R) -> R:
        """Use the decorated async function to learn which accounts the host really has."""
        return self._hooks.register("read", hook)

    def admin(self, *, authorize: Authorize, theme: Mapping[str, str] | None = None) -> ASGIApp:
        """Return the admin API and the page as an ASGI app, to be mounted where the host likes.

        Args:
            authorize: An async callable of the request (of Starlette) and the organization's id
                that returns an :class:`scim_asgi.admin.Actor`, or None where nobody may know of
                that organization; :class:`scim_asgi.admin.SecretKey` for other servers of the
                host.
            theme: How the Directory sync page looks: CSS custom properties by name, such as
                ``{"accent": "#0a7a5c", "font": "Inter, sans-serif"}``.

        Raises:
            TypeError: `authorize` is no async callable.
            ValueError: `theme` has a property that the page does not know.
            MissingExtra: There is a `theme`, and ``scim-asgi[page]`` is not installed.
        """
        from scim_asgi.admin.app import check_authorize
        from scim_asgi.admin.entrance import Entrance

        check_authorize(authorize)
        base_url = self._settings.base_url
        return Entrance(
            self, self._run_http, self._runtime, authorize, base_url=base_url, theme=theme
        )

    def drain(self) -> None:
        """Answer every request from now on 503; those under way finish.

        A server may call it as soon as it is told to stop; the end of the lifespan does it too.
        """
        self._is_draining = True
        self._runtime.drain()

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way."""
        return not self._under_way

    def lifespan(self, _host_app: Any = None) -> AbstractAsyncContextManager[None]:
        """Return a context manager that keeps the database open.

        It fits ``Starlette(lifespan=…)``, ``FastAPI(lifespan=…)`` and ``async with``. Several may
        nest; the last one to leave closes.

        Args:
            _host_app: Ignored; frameworks pass the application.

        Raises:
            StoreError: The database cannot be opened.
        """
        return self._kept_open(self._runtime.start)

    def visit(
        self, *, works: bool = False, account_type: AccountTypeUse = "unused"
    ) -> AbstractAsyncContextManager[None]:
        """Return a context manager that keeps the database open for a command beside the host.

        Args:
            works: Whether hooks are called here for what is pending, as the host does.
            account_type: Whether the account type may be another than the host's and is
                ``compared``, or is ``remembered`` as the host's own.

        Raises:
            StoreError: The database cannot be opened.
            AccountTypeDiffers: The host last ran with an account type of other fields.
        """
        return self._kept_open(lambda: self._runtime.visit(works=works, account_type=account_type))

    async def unusable_mappings(self) -> dict[str, str]:
        """Return each organization whose mapping or role rules cannot be used, with why.

        The account type or the roles have then changed since they were saved.
        """
        return await self._runtime.host.unusable()

    @asynccontextmanager
    async def _kept_open(self, start: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
        self._users += 1
        self._is_draining = False
        try:
            await start()
            yield
        finally:
            self._users -= 1
            if self._users == 0:
                await self._stop()

    async def _stop(self) -> None:
        self.drain()
        try:
            await self._runtime.stop()
        finally:
            self._is_draining = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer an ASGI scope: HTTP, and the lifespan where the application stands alone."""
        if scope["type"] == "lifespan":
            await self._run_lifespan(receive, send)
        elif scope["type"] == "http":
            await self._run_http(scope, receive, send, self._runtime.app)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})

    async def _run_http(
        self, scope: Scope, receive: Receive, send: Send, app: ASGIApp, refuse: Refuse = send_error
    ) -> None:
        """Let an application answer a request, with the database open, unless all is to end."""
        if self._is_draining:
            await refuse(send, Unavailable(_DRAINING, 5))
            return
        self._under_way += 1
        try:
            if not self._runtime.is_running:
                await self._start_late()
            await app(scope, receive, send)
        finally:
            self._under_way -= 1

    async def _start_late(self) -> None:
        """Start on the first request; what cannot work is answered 503 or 500 there."""
        if self._users == 0:
            logger.warning(_NO_LIFESPAN)
        try:
            await self._runtime.start()
        except ScimAsgiError:
            logger.exception("ScimApp cannot start.")

    async def _run_lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            context = self._kept_open(self._runtime.start)
            await context.__aenter__()
        except ScimAsgiError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await context.__aexit__(None, None, None)
        await send({"type": "lifespan.shutdown.complete"})
