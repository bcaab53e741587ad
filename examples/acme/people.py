"""The people and groups of a directory, and the accounts that Acme has to have for them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

ROLES = {"acme-admins": "org:admin", "acme-employees": "org:member"}
"""Which role a group gives; somebody in both is an admin, because its name comes first."""

_NAMES = (
    "Ada Lovelace",
    "Grace Hopper",
    "Alan Turing",
    "Edsger Dijkstra",
    "Barbara Liskov",
    "Donald Knuth",
    "Seán O'Casey",
    "Łukasz Żak",
    "Zoë Müller",
    "José Núñez",
    "Ida Rhodes",
    "John Backus",
    "Radia Perlman",
    "Tony Hoare",
    "Frances Allen",
    "Ken Thompson",
    "Dennis Ritchie",
    "Margaret Hamilton",
    "Jean Bartik",
    "Kathleen Booth",
    "Niklaus Wirth",
    "Ole-Johan Dahl",
    "Kristen Nygaard",
    "Adele Goldberg",
    "Shafi Goldwasser",
)


@dataclass(frozen=True)
class Person:
    """A person in the directory."""

    key: str
    given_name: str
    family_name: str
    address: str
    title: str = "Engineer"
    department: str = "Engineering"
    is_enabled: bool = True
    is_there: bool = True
    groups: frozenset[str] = field(default_factory=frozenset)

    def account(self) -> dict[str, object]:
        """Return the account that Acme has to have."""
        role = next((ROLES[group] for group in sorted(self.groups)), "org:member")
        return {
            "email": self.address,
            "first_name": self.given_name,
            "last_name": self.family_name,
            "role": role if self.is_there else "org:member",
            "is_open": self.is_enabled and self.is_there,
        }


def people(domain: str) -> list[Person]:
    """Return 25 people, three of them admins and twenty employees."""
    found = []
    for number, name in enumerate(_NAMES):
        given_name, family_name = name.split(" ", 1)
        groups = frozenset(
            ({"acme-admins"} if number < 3 else set())
            | ({"acme-employees"} if number < 20 else set())
        )
        found.append(
            Person(
                key=f"00000000-0000-4000-8000-{number:012d}",
                given_name=given_name,
                family_name=family_name,
                address=f"person{number:02d}@{domain}",
                groups=groups,
            )
        )
    return found


def changed(person: Person, **changes: object) -> Person:
    """Return a person with changes."""
    return replace(person, **changes)  # type: ignore[arg-type]
