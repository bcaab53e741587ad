"""What all simulated directories have in common: cycles that push what has changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any, TypeVar

import httpx
from starlette.types import ASGIApp

from scim_asgi.remote import read_base_url, sendable
from scim_asgi.simulate.answers import page_of
from scim_asgi.simulate.attributes import Attributes, read
from scim_asgi.simulate.client import Client, Exchange, Failure, Reply, Stopped, pause_after
from scim_asgi.simulate.company import Company, Person, Team
from scim_asgi.simulate.connections import Connections
from scim_asgi.simulate.directory import Directory
from scim_asgi.simulate.links import GroupLink, UserLink
from scim_asgi.simulate.report import Report
from scim_asgi.simulate.snapshot import Expected, Snapshot, compare, take_snapshot

T = TypeVar("T")

Progress = Callable[[int, int], None]

IN_MEMORY = "http://scim.test"
"""The base URL of a ScimApp in memory; that of a host is the path of the mount behind it."""
_REPEATS = 12
_TRIES = 5


class Simulator(Directory):
    """A directory as a client: it holds a small company and pushes it to a SCIM server.

    Args:
        url: The server's base URL; what is behind a question mark is left away.
        token: The bearer token, None to send none.
        app: An ASGI application to talk to in memory; `url` is then only what it is told.
        mode: One of :attr:`modes`; None for the first.
        users: How many people the company has at first.
        groups: How many teams.
        cycles: How many cycles are pushed; between two of them a day goes by.
        seed: Where chance comes from; the same seed makes the same company.
        concurrency: How many requests are under way at once.
        faults: How many of all requests the network spoils, from 0 to 1.
        domain: What follows the ``@`` in logins.
        on_progress: Is told how many objects were visited, and of how many.
        on_exchange: Is told of every request and its answer.

    Attributes:
        report: What was found out so far.
        day: Which of the cycles is being pushed, from 1 on.

    Raises:
        ValueError: The mode is unknown.
        UnusableTarget: The URL is none, or the token cannot be sent in a header.
    """

    def __init__(
        self,
        url: str = IN_MEMORY,
        token: str | None = None,
        *,
        app: ASGIApp | None = None,
        mode: str | None = None,
        users: int = 50,
        groups: int = 5,
        cycles: int = 3,
        seed: int = 0,
        concurrency: int = 4,
        faults: float = 0.0,
        domain: str = "acme.example",
        on_progress: Progress | None = None,
        on_exchange: Callable[[Exchange], None] | None = None,
    ) -> None:
        self.mode = self.modes[0] if mode is None else mode
        if self.mode not in self.modes:
            msg = f'{self.title} has no mode "{mode}"; it has {", ".join(self.modes)}.'
            raise ValueError(msg)
        self.company = Company(f"{self.name} {seed}", users, groups, domain)
        self.report = Report(directory=self.name, mode=self.mode, seed=seed)
        self.random = Random(seed + 1)  # noqa: S311 - play, no secret
        self.users: dict[str, UserLink] = {}
        self.groups: dict[str, GroupLink] = {}
        self.retired: dict[str, Attributes] = {}
        self.deleted: set[str] = set()
        self.before = Snapshot()
        self.day = 0
        self._url = read_base_url(url).text
        self._token = sendable(token)
        self._app = app
        self._cycles = cycles
        self._slots = asyncio.Semaphore(concurrency)
        self._faults = faults
        self._on_progress = on_progress
        self._on_exchange = on_exchange
        self._visited = 0
        self._failed = 0
        self._client: Client | None = None
        self._owners: dict[str, str] = {}

    async def run(self) -> Report:
        """Push the company through all cycles, then compare the server with it.

        Returns:
            The report. What the server does wrong is in there; nothing is raised for it.
        """
        began = time.perf_counter()
        async with Connections(self._app, self._faults, self.random) as (own, plain):
            self._client = Client(
                own, self._url, self._token, self.manners, self.report, self._on_exchange
            )
            try:
                await self._connect()
                self.before = await self._read_back(plain)
                self.company.taken |= self.before.names
                await self._run_cycles()
                await self._finish()
                after = await self._read_back(plain)
                self.report.differences += compare(self.before, after, self.expected())
            except Stopped as stop:
                self.report.differences.append(str(stop))
        self.report.users, self.report.groups = len(self.users), len(self.groups)
        self.report.make_harmless(self._token)
        self.report.seconds = round(time.perf_counter() - began, 3)
        return self.report

    async def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Sequence[tuple[str, str]] = (),
        expect: Sequence[int] = (200,),
    ) -> Reply:
        """Send a request of the product; see :meth:`Client.send`."""
        assert self._client is not None
        return await self._client.send(method, path, body, query=query, expect=expect)

    async def query(
        self, path: str, *query: tuple[str, str], none: Sequence[int] = ()
    ) -> list[dict[str, Any]]:
        """Send a query and return its resources.

        Args:
            path: The path.
            query: Names and values, still unescaped.
            none: Statuses that mean an empty list to this product.

        Raises:
            Failure: The answer is none that the product can use.
        """
        reply = await self.send("GET", path, query=query, expect=(200, *none))
        if reply.status in none:
            return []
        page = page_of(reply.body)
        if page is None:
            raise Failure(f"GET {path}: the answer is no ListResponse of resources with ids")
        return page.resources

    def values(self, person: Person) -> dict[str, Any]:
        """Return all that is pushed of a person, by path."""
        return {path: value(person) for path, value in self.attributes.items()} | {"active": True}

    def member_ids(self, team: Team) -> set[str]:
        """Return the server's ids of those members of a team whom the server has."""
        ids = {self.users[each].id for each in team.members if each in self.users}
        if self.nests_groups:
            ids |= {self.groups[each].id for each in team.teams if each in self.groups}
        return ids

    def manager_id(self, person: Person) -> str | None:
        """Return the server's id of a person's manager, None where there is none."""
        link = None if person.manager is None else self.users.get(person.manager)
        return None if link is None else link.id

    def link(self, person: Person, user: dict[str, Any], sent: dict[str, Any]) -> UserLink:
        """Remember a user.

        Raises:
            Failure: It has no id, or belongs to somebody else in the directory.
        """
        user_id = user.get("id")
        if not isinstance(user_id, str) or not user_id:
            raise Failure(f"the answer for {person.login} has no id")
        owner = self._owners.get(user_id, person.key)
        if owner != person.key and owner in self.users and self.users[owner].id == user_id:
            raise Failure(f"{person.login} is found under the id of somebody else")
        self._owners[user_id] = person.key
        self.users[person.key] = UserLink(user_id, sent)
        self.deleted.discard(user_id)
        return self.users[person.key]

    def expected(self) -> Expected:
        """Return what the server has to hold now."""
        users = {link.id: link.sent for link in self.users.values()}
        groups = {link.id: (link.name, link.members) for link in self.groups.values()}
        return Expected({**self.retired, **users}, groups, self.deleted)

    async def _connect(self) -> None:
        try:
            await self._persist(self.test_connection, _TRIES)
        except Failure as failure:
            msg = f"the connection test failed, so nothing was pushed: {failure}"
            raise Stopped(msg) from failure

    async def _finish(self) -> None:
        try:
            await self._persist(self.finish, _REPEATS)
        except Failure as failure:
            self._fail(failure)

    async def _persist(self, step: Callable[[], Awaitable[None]], tries: int) -> None:
        """Do what an admin does by hand, and again where it may well work in a moment."""
        for attempt in range(1, tries):
            try:
                return await step()
            except Failure as failure:
                if not failure.passing:
                    raise
                self._fail(failure)
            await asyncio.sleep(pause_after(attempt))
        return await step()

    async def _run_cycles(self) -> None:
        """Push day by day; what fails is pushed again before the next day changes it."""
        for number in range(self._cycles):
            self.day = number + 1
            if number:
                self.company.live()
            await self._repeat_cycle()

    async def _repeat_cycle(self) -> None:
        """Push until nothing fails, with a pause where the server seems to be down.

        Raises:
            Stopped: It was down all the time.
        """
        assert self._client is not None
        down = 0
        for repeat in range(_REPEATS):
            self._client.come_back()
            served = self._client.served
            await self._cycle()
            if not self._failed:
                return
            down = down + 1 if self._client.served == served else int(self._client.is_silent)
            if down and repeat < _REPEATS - 1:
                await asyncio.sleep(pause_after(down))
        if self._client.is_silent:
            msg = f"the server does not answer any more, so day {self.day} was not finished"
            raise Stopped(msg)
        text = f"{self._failed} pushes of day {self.day} never worked; see the failures"
        self.report.differences.append(text)

    async def _cycle(self) -> None:
        """Push everything that has changed since it was last pushed."""
        self._failed = 0
        self.report.cycles += 1
        try:
            await self.begin_cycle()
        except Failure as failure:
            self._fail(failure)
            return
        people = list(self.company.people.values())
        gone = [each for each in people if self.standing(each) in ("gone", "released")]
        there = [each for each in people if self.standing(each) not in ("gone", "released")]
        await self.each(gone, self._push_user)
        await self.each(there, self._push_user)
        if self.has_groups:
            await self._push_groups()
        try:
            await self.finish_cycle()
        except Failure as failure:
            self._fail(failure)

    async def _push_groups(self) -> None:
        closed = [key for key in self.groups if key not in self.company.teams]
        await self.each(closed, self.close_group)
        teams = list(self.company.teams.values())
        await self.each([team for team in teams if team.key not in self.groups], self._open_group)
        await self.each([team for team in teams if team.key in self.groups], self._push_group)

    async def each(self, things: Iterable[T], work: Callable[[T], Awaitable[None]]) -> None:
        """Work on things, a few at a time; what fails is written down and comes again."""

        async def one(thing: T) -> None:
            async with self._slots:
                if self._client is not None and self._client.is_silent:
                    self._failed += 1
                    return
                try:
                    await work(thing)
                except Failure as failure:
                    self._fail(failure)
            self._visited += 1
            if self._on_progress is not None:
                self._on_progress(self._visited, self._total())

        await asyncio.gather(*map(one, things))

    def _total(self) -> int:
        a_cycle = len(self.company.people) + len(self.company.teams) * self.has_groups
        cycles = max(self._cycles - self.report.cycles, 0)
        return max(self._visited, self._visited + a_cycle * cycles)

    def _fail(self, failure: Failure) -> None:
        self._failed += 1
        self.report.failures.append(str(failure))

    async def _push_user(self, person: Person) -> None:
        link = self.users.get(person.key)
        standing = self.standing(person)
        if link is None:
            if standing == "active":
                await self._match_user(person, self.values(person))
            elif standing == "inactive" and self.creates_inactive:
                await self._match_user(person, self.values(person) | {"active": False})
        elif standing == "gone":
            await self.delete_user(link)
            self._forget(person.key, link)
        elif standing == "inactive":
            await self._update_user(person, link, {"active": False})
        elif standing == "released":
            await self._update_user(person, link, {"active": False})
            self.retired[link.id] = self.users.pop(person.key).sent
        else:
            await self._update_user(person, link, self.values(person))

    async def _match_user(self, person: Person, values: dict[str, Any]) -> None:
        found = await self.find_user(person)
        if len(found) > 1:
            raise Failure(f"{len(found)} users are {person.login}")
        if found:
            await self.adopt(person, found[0], values)
        else:
            user = await self.create_user(person, values)
            if person.key not in self.users:
                self.link(person, user, values)

    async def adopt(self, person: Person, user: dict[str, Any], values: Attributes) -> None:
        """Make a user that is there a person's own, and bring it up to date."""
        sent = {path: read(user, path) for path in values}
        await self._update_user(person, self.link(person, user, sent), values)

    async def _update_user(self, person: Person, link: UserLink, values: Attributes) -> None:
        changes = {
            path: value
            for path, value in values.items()
            if value != link.sent.get(path) and (value is not None or self.sends_empty)
        }
        if changes:
            await self.update_user(person, link, changes)
            link.sent.update(changes)

    def _forget(self, key: str, link: UserLink) -> None:
        self.users.pop(key, None)
        self.retired.pop(link.id, None)
        self._note_deleted(link.id)

    def _note_deleted(self, resource_id: str) -> None:
        """Note that a user or group is deleted, and so a member of nothing any more."""
        self.deleted.add(resource_id)
        for group in self.groups.values():
            group.removed({resource_id})

    async def _open_group(self, team: Team) -> None:
        found = await self.find_group(team)
        if len(found) > 1:
            raise Failure(f"{len(found)} groups are called {team.name}")
        members = self.member_ids(team)
        if found:
            link = GroupLink(found[0]["id"], found[0].get("displayName", ""))
            link.others = self.before.members(link.id) - self.deleted
        else:
            link = await self.create_group(team, members)
        self.groups[team.key] = link
        if found or link.pushed != members:
            await self.update_group(team, link, members)

    async def _push_group(self, team: Team) -> None:
        link, members = self.groups[team.key], self.member_ids(team)
        if link.name != team.name or link.pushed != members:
            await self.update_group(team, link, members)

    async def close_group(self, key: str) -> None:
        """Do away with the group of a team that is no more."""
        await self.delete_group(self.groups[key])
        self._note_deleted(self.groups.pop(key).id)

    async def _read_back(self, http: httpx.AsyncClient) -> Snapshot:
        return await take_snapshot(http, self._url, self._token, with_groups=self.has_groups)
