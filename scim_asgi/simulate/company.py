"""A company's people and teams as its directory holds them, and how they change from day to day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Literal
from uuid import UUID

from scim_asgi.simulate.names import CITIES, DEPARTMENTS, LANGUAGES, PEOPLE, ROLES, TEAMS, TITLES

Status = Literal["active", "suspended", "unassigned", "left", "purged", "replaced"]


@dataclass(slots=True)
class Person:
    """A person in the directory.

    Attributes:
        key: The directory's own id of the person.
        login: What they sign in with; an address, with the case that somebody once typed.
        mail: Their mailbox; None for people without one.
        manager: The key of their manager.
        status: ``suspended`` people keep their place, ``unassigned`` ones no longer use the
            product, those who ``left`` are kept for a while, and are then ``purged``; who comes
            back after that is a new person with the old login, and the old one is ``replaced``.
    """

    key: str
    login: str
    mail: str | None
    given_name: str
    family_name: str
    title: str | None
    department: str | None
    employee_number: str
    mobile: str | None
    phone: str | None
    street: str | None
    city: tuple[str, str, str, str]
    language: str
    role: str
    manager: str | None = None
    status: Status = "active"

    @property
    def display_name(self) -> str:
        """The whole name."""
        return f"{self.given_name} {self.family_name}"

    @property
    def is_here(self) -> bool:
        """Whether the person belongs to teams and may manage others."""
        return self.status in ("active", "suspended")


@dataclass(slots=True)
class Team:
    """A group in the directory: the keys of its people, and of teams within it."""

    key: str
    name: str
    members: set[str] = field(default_factory=set)
    teams: set[str] = field(default_factory=set)


class Company:
    """People and teams, made from a seed.

    The same seed makes the same company and the same days.

    Args:
        seed: What all chance comes from.
        users: How many people there are at first.
        groups: How many teams there are at first.
        domain: What follows the ``@`` in logins.

    Attributes:
        taken: Logins and team names, case folded, that nobody is renamed to.
    """

    def __init__(self, seed: str, users: int, groups: int, domain: str) -> None:
        self.random = Random(seed)  # noqa: S311 - play, no secret
        self.taken: set[str] = set()
        self._domain = domain
        self.people: dict[str, Person] = {}
        self.teams: dict[str, Team] = {}
        self._hired = 0
        self._founded = 0
        for _ in range(users):
            self._hire()
        for _ in range(groups):
            self._found()
        self._appoint_managers(users // 2)

    @property
    def here(self) -> list[Person]:
        """Those who are in the company now."""
        return [each for each in self.people.values() if each.is_here]

    def live(self) -> None:
        """Let a day go by: people join, move, leave and come back; teams change."""
        self._return()
        self._purge()
        self._leave()
        self._suspend()
        self._move()
        self._rename()
        for _ in range(self._some(0.04)):
            self._hire()
        self._appoint_managers(self._some(0.05))
        self._reorganize()

    def _some(self, share: float) -> int:
        return max(1, round(len(self.people) * share))

    def _pick(self, people: Iterable[Person], share: float) -> list[Person]:
        found = list(people)
        return self.random.sample(found, min(len(found), self._some(share)))

    def _new_name(self, before: str, behind: str = "") -> str:
        while True:
            name = f"{before}{self.random.randrange(10**6)}{behind}"
            if name.casefold() not in self.taken:
                self.taken.add(name.casefold())
                return name

    def _key(self) -> str:
        return str(UUID(int=self.random.getrandbits(128), version=4))

    def _hire(self, before: Person | None = None) -> Person:
        """Take somebody on, perhaps somebody who was purged before: under the same login."""
        number, self._hired = self._hired, self._hired + 1
        given, family, login = PEOPLE[number % len(PEOPLE)]
        place = number // len(PEOPLE)
        login = f"{login}{place or ''}@{self._domain}" if before is None else before.login
        random = self.random
        person = Person(
            key=self._key(),
            login=login,
            mail=None if number % 20 == 3 else login,
            given_name=given if before is None else before.given_name,
            family_name=family if before is None else before.family_name,
            title=random.choice([*TITLES, None]),
            department=random.choice([*DEPARTMENTS, None]),
            employee_number=f"{number:05d}",
            mobile=random.choice([None, f"+49 (170) {number:07d}"]),
            phone=random.choice([None, f"0{number:04d}-55 ext. 7"]),
            street=random.choice([None, f"Hauptstraße {number}\nHinterhof"]),
            city=random.choice(CITIES),
            language=random.choice(LANGUAGES),
            role=random.choice(ROLES),
        )
        self.people[person.key] = person
        self._join_teams(person)
        return person

    def _join_teams(self, person: Person) -> None:
        teams = list(self.teams.values())
        for team in self.random.sample(teams, min(2, len(teams))):
            team.members.add(person.key)

    def _found(self) -> None:
        number, self._founded = self._founded, self._founded + 1
        name = TEAMS[number % len(TEAMS)]
        place = number // len(TEAMS)
        team = Team(self._key(), f"{name} {place}" if place else name)
        members = [each.key for each in self.here]
        size = self.random.randint(0, max(1, len(members) // 4)) if number else len(members)
        team.members.update(self.random.sample(members, min(size, len(members))))
        if self.teams and number % 5 == 4:
            team.teams.add(self.random.choice(list(self.teams)))
        self.teams[team.key] = team

    def _purge(self) -> None:
        for person in self.people.values():
            if person.status == "left" and self.random.random() < 0.5:
                person.status = "purged"

    def _return(self) -> None:
        away = [each for each in self.people.values() if each.status not in ("active", "replaced")]
        for person in self._pick(away, 0.02):
            was_here, was_purged = person.is_here, person.status == "purged"
            if was_purged:
                person.status = "replaced"
                self._hire(before=person)
                continue
            person.status = "active"
            if not was_here:
                self._join_teams(person)

    def _leave(self) -> None:
        leaving = {each.key: each for each in self._pick(self.here, 0.04)}
        for person in leaving.values():
            person.status = self.random.choice(["left", "left", "unassigned"])
            person.manager = None
        for team in self.teams.values():
            team.members.difference_update(leaving)
        for other in self.people.values():
            if other.manager in leaving:
                other.manager = None

    def _suspend(self) -> None:
        for person in self._pick(self.here, 0.02):
            person.status = "suspended"

    def _move(self) -> None:
        """Change departments, titles, numbers and addresses; some become empty."""
        for person in self._pick(self.here, 0.08):
            person.department = self.random.choice([*DEPARTMENTS, None])
            person.title = self.random.choice([*TITLES, None])
            person.city = self.random.choice(CITIES)
        for person in self._pick(self.here, 0.03):
            person.mobile = self.random.choice([None, f"+1 555 {self.random.randrange(10**6):06d}"])
            person.role = self.random.choice(ROLES)
        for person in self._pick(self.here, 0.02):
            person.mail = person.login if person.mail is None else person.mail

    def _rename(self) -> None:
        """Marry: a new family name, and for every second one a new login."""
        for person in self._pick(self.here, 0.02):
            person.family_name = self.random.choice(PEOPLE)[1]
            if self.random.random() < 0.5:
                login = self._new_name("renamed.", f"@{self._domain}")
                person.login, person.mail = login, person.mail and login

    def _appoint_managers(self, count: int) -> None:
        people = self.here
        for person in self.random.sample(people, min(count, len(people))):
            boss = self.random.choice(people)
            person.manager = None if boss is person else boss.key

    def _reorganize(self) -> None:
        if not self.teams:
            return
        teams = list(self.teams.values())
        people = [each.key for each in self.here]
        for team in self.random.sample(teams, max(1, len(teams) // 2)):
            coming = self.random.sample(people, min(len(people), 3))
            going = self.random.sample(sorted(team.members), min(len(team.members), 2))
            team.members.difference_update(going)
            team.members.update(coming)
        lonely, renamed = self.random.choice(teams), self.random.choice(teams)
        lonely.members.clear()
        renamed.name = self._new_name(f"{renamed.name.partition(' →')[0]} → ")
        closed = self.random.choice(teams)
        if len(teams) > 2:
            del self.teams[closed.key]
            for team in self.teams.values():
                team.teams.discard(closed.key)
        self._found()
