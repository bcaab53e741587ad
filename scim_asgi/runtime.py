"""What a ScimApp is made of: the store and everything that is built on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from starlette.types import ASGIApp

from scim_asgi.http.app import ErrorBoundary, ScimEndpoint
from scim_asgi.http.authentication import BearerTokenMiddleware, FailedAuthenticationLimit
from scim_asgi.http.endpoints import Endpoints
from scim_asgi.http.rate_limit import RateLimitMiddleware
from scim_asgi.mapping.fields import A, AccountFields
from scim_asgi.protocol.definitions import Registry
from scim_asgi.protocol.discovery import Discovery, Features
from scim_asgi.provisioning.background import Background
from scim_asgi.provisioning.bulk import Bulk
from scim_asgi.provisioning.changes import Changes
from scim_asgi.provisioning.compiled import CompiledMappings
from scim_asgi.provisioning.connections import Connections
from scim_asgi.provisioning.delivery import Delivery
from scim_asgi.provisioning.drift import DriftFinder
from scim_asgi.provisioning.guard import ClosingGuard
from scim_asgi.provisioning.hooks import HookSet, HooksIncomplete
from scim_asgi.provisioning.host import AccountTypeUse, Host
from scim_asgi.provisioning.log_reader import ProvisioningLog
from scim_asgi.provisioning.mappings import Mappings
from scim_asgi.provisioning.memberships import Memberships
from scim_asgi.provisioning.people import Groups, Users
from scim_asgi.provisioning.privacy import LogPolicy
from scim_asgi.provisioning.queries import Queries
from scim_asgi.provisioning.reconcile import Reconciler
from scim_asgi.provisioning.reconciliation import Reconciliation
from scim_asgi.provisioning.refusals import Refusals
from scim_asgi.provisioning.remapping import Remapping
from scim_asgi.provisioning.retention import Pruning
from scim_asgi.provisioning.roles import Roles
from scim_asgi.provisioning.service import Service
from scim_asgi.provisioning.tokens import Tokens
from scim_asgi.provisioning.traffic import Traffic
from scim_asgi.provisioning.wanted import WantedAccounts
from scim_asgi.provisioning.writes import Writes
from scim_asgi.settings import Settings
from scim_asgi.store.base import Store, Transaction

T = TypeVar("T")


class OpeningStore:
    """A store that opens itself when it is first used, exactly once under concurrency.

    Args:
        store: The store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._opening: asyncio.Task[None] | None = None
        self.is_open = False

    async def open(self) -> None:
        """Open the store, unless it is open; raises StoreError."""
        if self.is_open:
            return
        if self._opening is None:
            self._opening = asyncio.create_task(self._open(), name="scim-asgi open")
        await asyncio.shield(self._opening)

    async def _open(self) -> None:
        try:
            await self._store.open()
            self.is_open = True
        finally:
            self._opening = None

    async def close(self) -> None:
        """Close the store; the next use opens it again."""
        self.is_open = False
        await self._store.close()

    def read(
        self,
        work: Callable[[Transaction], T],
        *,
        brief: bool = False,
        single: bool = False,
        fresh: bool = True,
    ) -> Coroutine[Any, Any, T]:
        """Open the store where needed, and read."""
        reading = self._store.read(work, brief=brief, single=single, fresh=fresh)
        return reading if self.is_open else self._opened(reading)

    def note(self, work: Callable[[Transaction], None]) -> None:
        """Note something in the open store."""
        self._store.note(work)

    def write(
        self, work: Callable[[Transaction], T], *, durable: bool = True, brief: bool = False
    ) -> Coroutine[Any, Any, T]:
        """Open the store where needed, and write."""
        writing = self._store.write(work, durable=durable, brief=brief)
        return writing if self.is_open else self._opened(writing)

    async def _opened(self, use: Coroutine[Any, Any, T]) -> T:
        try:
            await self.open()
        except BaseException:
            use.close()
            raise
        return await use


class Runtime(Generic[A]):
    """The parts of a ScimApp, put together.

    Args:
        store: The store, still closed.
        registry: The resource types.
        hooks: The host's hooks.
        fields: The fields of the host's account type.
        settings: The settings.
        policy: What of people is logged.
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        hooks: HookSet,
        fields: AccountFields[A],
        settings: Settings,
        policy: LogPolicy,
    ) -> None:
        self._hooks = hooks
        self.store = OpeningStore(store)
        self.tokens = Tokens(self.store)
        self.log = ProvisioningLog(self.store)
        self.users = Users(self.store, registry, settings.base_url or "")
        self.groups = Groups(self.store)
        self.connections = Connections(self.store)
        self._shutdown_timeout = settings.shutdown_timeout
        self._ending: asyncio.TimerHandle | None = None
        self._delivery = Delivery(hooks, fields, settings.hook_timeout)
        reconciler = Reconciler(self.store, self._delivery, registry)
        guard = ClosingGuard(settings.guard)
        compiled = CompiledMappings(fields, settings.roles)
        accounts = WantedAccounts(compiled, hooks, guard)
        remapping = Remapping(accounts, guard)
        self.host = Host(self.store, compiled, remapping)
        self.background = Background(
            self.store, self.host, remapping, hooks, reconciler, settings.base_url or ""
        )
        wake = self.background.wake
        self.mappings = Mappings(self.store, registry, fields, compiled, remapping, wake)
        self.roles = Roles(self.store, compiled, remapping, wake)
        drift = DriftFinder(self.store, hooks, fields, settings.hook_timeout)
        self.reconciliation = Reconciliation(self.store, drift, wake)
        self.service = _service(
            self.store, registry, hooks, accounts, reconciler, self.background, settings
        )
        self.endpoints = _endpoints(self.store, registry, self.service, settings)
        self._pruning = Pruning(self.store, settings.log_retention)
        self.traffic = Traffic(self.store, policy.path)
        app = _stack(self.endpoints, self.service, self.tokens, self.traffic, settings)
        self.app = ErrorBoundary(app, policy)

    @property
    def is_running(self) -> bool:
        """Whether the store is open and the background works."""
        return self.store.is_open and self.background.is_running

    async def start(self) -> None:
        """Open the store and begin the background's work.

        Raises:
            StoreError: The store cannot be opened.
            HooksIncomplete: Some hooks are there, and required ones are not.
        """
        if missing := self._hooks.missing():
            msg = f"Hooks are missing: give ScimApp on_{', on_'.join(missing)} too."
            raise HooksIncomplete(msg)
        await self.store.open()
        if self._hooks:
            await self.host.remember()
            await self.host.report()
        self._delivery.begin()
        self.background.start()
        self._pruning.start()

    async def visit(self, *, works: bool, account_type: AccountTypeUse) -> None:
        """Open the store for a command.

        Args:
            works: Whether hooks are called here too.
            account_type: Whether the account type is compared with the host's, or is it.

        Raises:
            StoreError: The store cannot be opened.
            AccountTypeDiffers: It is another than the host's.
        """
        await self.store.open()
        if account_type == "compared":
            await self.host.check()
        elif account_type == "remembered" and self._hooks:
            await self.host.remember()
        if works:
            self._delivery.begin()
            self.background.start()

    def drain(self) -> None:
        """Give the hooks that are being called the time that a stop may take, and no more."""
        if self._ending is None:
            loop = asyncio.get_running_loop()
            self._ending = loop.call_later(self._shutdown_timeout, self._delivery.end)

    async def stop(self) -> None:
        """Finish what is under way and close the store.

        Hooks that take too long for that are cancelled; what they did not do is pending.
        """
        self.drain()
        await self.service.close()
        await self.background.stop()
        await self._pruning.stop()
        await self.tokens.close()
        await self.traffic.close()
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
        await self.store.close()


def _service(
    store: Store,
    registry: Registry,
    hooks: HookSet,
    accounts: WantedAccounts,
    reconciler: Reconciler,
    background: Background,
    settings: Settings,
) -> Service:
    memberships = Memberships(registry, hooks, settings.unknown_members, settings.limits)
    refusals = Refusals(store, registry)
    writes = Writes(
        store,
        registry,
        Changes(registry, accounts, memberships, settings.limits),
        reconciler,
        background,
        refusals,
        unknown_attributes=settings.unknown_attributes,
        group_patch_body=settings.group_patch_body,
        limits=settings.limits,
    )
    return Service(writes, refusals)


def _endpoints(store: Store, registry: Registry, service: Service, settings: Settings) -> Endpoints:
    timeout, limits = settings.cursor_timeout, settings.limits
    queries = Queries(store, registry, cursor_timeout=timeout, limits=limits)
    discovery = Discovery(registry, _features(settings))
    return Endpoints(registry, service, Bulk(service, registry), queries, discovery)


def _features(settings: Settings) -> Features:
    return Features(
        default_count=settings.limits.default_count,
        max_results=settings.limits.page_size,
        max_payload_size=settings.limits.body_bytes,
        max_operations=settings.limits.bulk_operations,
        cursor_timeout=int(settings.cursor_timeout),
        unpublished=settings.unpublished_attributes,
    )


def _stack(
    endpoints: Endpoints, service: Service, tokens: Tokens, traffic: Traffic, settings: Settings
) -> ASGIApp:
    """Put the layers of the application together, the outermost last."""
    endpoint = ScimEndpoint(
        endpoints,
        service,
        traffic,
        base_url=settings.base_url,
        limits=settings.limits,
        mount_path=settings.mount_path,
    )
    storage = settings.rate_limit_storage
    app: ASGIApp = endpoint
    if settings.rate_limit is not None:
        app = RateLimitMiddleware(
            endpoint, settings.rate_limit, storage_uri=storage, on_refused=endpoint.limited
        )
    return BearerTokenMiddleware(
        app,
        tokens.verify,
        accept_bare_token=settings.accept_bare_token,
        on_refused=endpoint.refused,
        failures=FailedAuthenticationLimit(settings.failed_auth_limit, storage_uri=storage),
    )
