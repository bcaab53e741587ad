"""The settings of a ScimApp, checked."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from scim_asgi.protocol.limits import DEFAULT_LIMITS, Limits
from scim_asgi.protocol.resources import UnknownAttributes
from scim_asgi.provisioning.clock import LONGEST_HOOK, YEAR
from scim_asgi.provisioning.guard import Guard
from scim_asgi.provisioning.members import UnknownMembers
from scim_asgi.provisioning.retention import LogRetention


class Settings(Struct, frozen=True, kw_only=True):
    """The settings of a ScimApp; :class:`scim_asgi.ScimApp` says what each one means."""

    base_url: str | None = None
    rate_limit: str | None = "100/second"
    failed_auth_limit: str | None = "100/minute"
    rate_limit_storage: str = "memory://"
    hook_timeout: Annotated[float, Meta(gt=0, le=LONGEST_HOOK)] = 10.0
    mount_path: str = ""
    limits: Limits = DEFAULT_LIMITS
    cursor_timeout: Annotated[float, Meta(gt=0, le=YEAR)] = 3600.0
    unknown_attributes: UnknownAttributes = "ignore"
    unknown_members: UnknownMembers = "skip"
    group_patch_body: bool = False
    accept_bare_token: bool = False
    roles: frozenset[str] | None = None
    unpublished_attributes: tuple[str, ...] = ()
    guard: Guard | None = Guard()
    log_retention: LogRetention = LogRetention()
    shutdown_timeout: Annotated[float, Meta(ge=0)] = 20.0


def checked_settings(
    *,
    base_url: str | None,
    mount_path: str,
    limits: Limits,
    roles: Collection[str] | None,
    unpublished_attributes: Iterable[str],
    guard: Guard | None,
    log_retention: LogRetention,
    **others: Any,
) -> Settings:
    """Return the arguments of a ScimApp as settings that make sense.

    Raises:
        TypeError: `roles` is no collection.
        ValueError: Another argument is not what it has to be; the message names it.
    """
    values = {
        **others,
        "base_url": None if base_url is None else base_url.rstrip("/"),
        "mount_path": mount_path.rstrip("/"),
        "limits": _checked(limits),
        "roles": _role_names(roles),
        "unpublished_attributes": tuple(unpublished_attributes),
        # A Struct does not check its arguments itself.
        "guard": None if guard is None else msgspec.to_builtins(guard),
        "log_retention": msgspec.to_builtins(log_retention),
    }
    try:
        return msgspec.convert(values, Settings)
    except msgspec.ValidationError as error:
        msg = f"ScimApp got an argument that it cannot use: {error}"
        raise ValueError(msg) from error


def database_path(database: str) -> str:
    """Return the file that a database URL names, or ``:memory:``.

    Raises:
        ValueError: It is a URL of another kind.
    """
    scheme, separator, rest = database.partition("://")
    if not separator and database:
        return database
    if scheme != "sqlite" or not rest.startswith("/") or rest == "/":
        msg = f'database is "{database}"; write sqlite:///scim.db, sqlite:////path/to/scim.db or a path.'
        raise ValueError(msg)
    return rest[1:]


def _checked(limits: Limits) -> Limits:
    """Return limits whose numbers make sense; a Struct does not check its arguments itself."""
    try:
        return msgspec.convert(msgspec.to_builtins(limits), Limits)
    except msgspec.ValidationError as error:
        msg = f"limits: {error}"
        raise ValueError(msg) from error


def _role_names(roles: Collection[str] | None) -> frozenset[str] | None:
    if isinstance(roles, str):
        msg = 'roles is a text; write a set of names, such as {"org:admin", "org:member"}.'
        raise TypeError(msg)
    return None if roles is None else frozenset(roles)
