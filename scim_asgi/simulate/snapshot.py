"""Everything that a server has, read back and compared with what a directory pushed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
from msgspec import Struct, field

from scim_asgi.remote import authorization
from scim_asgi.simulate.answers import MOST_PAGES, detail_of, json_object, page_of, pause_of
from scim_asgi.simulate.attributes import Attributes, read
from scim_asgi.simulate.client import Stopped, pause_after, why_of

_PAGE = 200
_TRIES = 12
_BUSY = (429, 502, 503, 504)
_VOLATILE = ("meta", "groups")


class Snapshot(Struct, frozen=True):
    """All users and groups of a server, by id."""

    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def names(self) -> set[str]:
        """All userNames and displayNames of groups, case folded."""
        named = [user.get("userName") for user in self.users.values()]
        named += [group.get("displayName") for group in self.groups.values()]
        return {name.casefold() for name in named if isinstance(name, str)}

    def members(self, group: str) -> set[str]:
        """Return the ids of a group's members."""
        return member_ids(self.groups.get(group, {}))


class Expected(Struct, frozen=True):
    """What a directory has at the server.

    Attributes:
        users: Id to attributes by path.
        groups: Id to name and the ids of the members.
        deleted: The ids that it deleted.
    """

    users: Mapping[str, Attributes]
    groups: Mapping[str, tuple[str, set[str]]]
    deleted: set[str]


def member_ids(group: Mapping[str, Any]) -> set[str]:
    """Return the ids of a group's members."""
    return {each["value"] for each in group.get("members") or ()}


async def take_snapshot(
    http: httpx.AsyncClient, url: str, token: str | None, *, with_groups: bool
) -> Snapshot:
    """Read all users and groups, page by page.

    Raises:
        Stopped: They cannot be read.
    """
    reader = _Reader(http, url.rstrip("/"), token)
    users = await reader.everything("/Users")
    groups = await reader.everything("/Groups") if with_groups else {}
    for group_id, group in groups.items():
        if "members" not in group:
            groups[group_id] = await reader.get(f"/Groups/{group_id}")
    return Snapshot(users, groups)


class _Reader:
    def __init__(self, http: httpx.AsyncClient, url: str, token: str | None) -> None:
        self._http = http
        self._url = url
        self._headers = {**authorization(token), "Accept": "application/scim+json"}

    async def everything(self, path: str) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        start = 1
        for _ in range(MOST_PAGES):
            page = page_of(await self.get(f"{path}?startIndex={start}&count={_PAGE}"))
            if page is None:
                msg = f"GET {path} is no ListResponse of resources with ids."
                raise Stopped(msg)
            for each in page.resources:
                if each["id"] in found:
                    msg = f"{path} lists {each['id']} twice; its order has to stay the same."
                    raise Stopped(msg)
                found[each["id"]] = each
            start += len(page.resources)
            if not page.resources or start > page.total:
                return found
        msg = f"GET {path} does not end: there is something new on each of {MOST_PAGES} pages."
        raise Stopped(msg)

    async def get(self, target: str) -> dict[str, Any]:
        """Read, again where the network fails or the server is busy."""
        for attempt in range(1, _TRIES + 1):
            pause = pause_after(attempt)
            try:
                answer = await self._once(target)
            except (httpx.TransportError, OSError) as error:
                if attempt == _TRIES:
                    msg = f"GET {target} could not be read back: {error}"
                    raise Stopped(msg) from error
            except (httpx.DecodingError, httpx.InvalidURL, UnicodeError) as error:
                msg = f"GET {target} could not be read back: {why_of(error)}"
                raise Stopped(msg) from error
            else:
                if answer.status_code not in _BUSY or attempt == _TRIES:
                    return _body(target, answer)
                pause = max(pause, pause_of(answer) or 0.0)
            await asyncio.sleep(pause)
        raise AssertionError

    async def _once(self, target: str) -> httpx.Response:
        return await self._http.get(f"{self._url}{target}", headers=self._headers, timeout=60)


def _body(target: str, answer: httpx.Response) -> dict[str, Any]:
    if answer.is_success:
        body = json_object(target, answer)
        if not isinstance(body, str):
            return body
        msg = f"GET {target} could not be read back: {body}"
        raise Stopped(msg)
    msg = f"GET {target} could not be read back: {answer.status_code} {detail_of(answer)}"
    raise Stopped(msg)


def compare(before: Snapshot, after: Snapshot, expected: Expected) -> list[str]:
    """Return in words how a server differs from what a directory pushed.

    What was there before, and the directory never touched, has to be as it was.
    """
    return [
        *_compare_users(before, after, expected),
        *_compare_groups(before, after, expected),
        *_compare_groups_of_users(after),
    ]


def _compare_users(before: Snapshot, after: Snapshot, expected: Expected) -> Iterator[str]:
    for user_id, attributes in expected.users.items():
        name = attributes.get("userName") or user_id
        user = after.users.get(user_id)
        if user is None:
            yield f"user {name} is missing (id {user_id})"
            continue
        for path, value in attributes.items():
            found = read(user, path)
            if found != value and not (value is None and found in ("", [])):
                yield f"user {name}: {path} is {found!r} and should be {value!r}"
    for user_id, user in after.users.items():
        name = user.get("userName") or user_id
        if user_id in expected.users:
            continue
        if user_id in expected.deleted:
            yield f"user {name} was deleted and is still there"
        elif user_id not in before.users:
            yield f"user {name} is there and was never pushed (id {user_id})"
        elif _lasting(user) != _lasting(before.users[user_id]):
            yield f"user {name} changed, and nobody pushed a change"
    yield from _vanished("user", before.users, after.users, expected)


def _compare_groups(before: Snapshot, after: Snapshot, expected: Expected) -> Iterator[str]:
    for group_id, (name, members) in expected.groups.items():
        group = after.groups.get(group_id)
        if group is None:
            yield f"group {name} is missing (id {group_id})"
            continue
        if group.get("displayName") != name:
            yield f"group {name} is called {group.get('displayName')!r}"
        yield from _compare_members(name, members, after.members(group_id))
    for group_id, group in after.groups.items():
        name = group.get("displayName") or group_id
        if group_id in expected.groups:
            continue
        if group_id in expected.deleted:
            yield f"group {name} was deleted and is still there"
        elif group_id not in before.groups:
            yield f"group {name} is there and was never pushed (id {group_id})"
        else:
            kept = before.members(group_id) - expected.deleted
            yield from _compare_members(name, kept, after.members(group_id))
    yield from _vanished("group", before.groups, after.groups, expected)


def _compare_members(name: str, wanted: set[str], found: set[str]) -> Iterator[str]:
    for each in sorted(wanted - found):
        yield f"group {name} lacks the member {each}"
    for each in sorted(found - wanted):
        yield f"group {name} has the member {each}, who should not be in it"


def _compare_groups_of_users(after: Snapshot) -> Iterator[str]:
    """Check that users show the groups that they are in, where the server shows any."""
    shown = {
        (each["value"], user_id)
        for user_id, user in after.users.items()
        for each in user.get("groups") or ()
        if each.get("type", "direct") == "direct"
    }
    held = {
        (group_id, member)
        for group_id in after.groups
        for member in after.members(group_id)
        if member in after.users
    }
    if shown and after.groups:
        for group_id, user_id in sorted(shown ^ held):
            yield f"user {user_id} and group {group_id} disagree whether they belong together"


def _vanished(
    kind: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    expected: Expected,
) -> Iterator[str]:
    for each in before.keys() - after.keys() - expected.deleted:
        if each not in expected.users and each not in expected.groups:
            yield f"{kind} {each} was there before, was not deleted, and is gone"


def _lasting(resource: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in resource.items() if name not in _VOLATILE}
