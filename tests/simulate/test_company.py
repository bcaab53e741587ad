"""A made-up company: the same from the same seed, and never at odds with itself."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim_asgi.simulate.attributes import ENTERPRISE, place, quoted, read, resource_of
from scim_asgi.simulate.company import Company


def as_plain(company: Company) -> Any:
    people = [asdict(each) for each in company.people.values()]
    teams = [
        (each.key, each.name, sorted(each.members), sorted(each.teams))
        for each in company.teams.values()
    ]
    return people, teams


def aged(seed: str, days: int) -> Company:
    company = Company(seed, 40, 6, "acme.example")
    for _ in range(days):
        company.live()
    return company


def test_the_same_seed_makes_the_same_company_and_the_same_days() -> None:
    assert as_plain(aged("entra 7", 5)) == as_plain(aged("entra 7", 5))
    assert as_plain(aged("entra 7", 5)) != as_plain(aged("entra 8", 5))


@pytest.mark.parametrize("days", [0, 1, 20])
def test_teams_and_managers_are_people_who_are_here(days: int) -> None:
    company = aged("x", days)
    here = {each.key for each in company.here}
    for team in company.teams.values():
        assert team.members <= here
        assert team.teams <= company.teams.keys()
    assert {each.manager for each in company.here} - {None} <= here


def test_everything_that_happens_to_people_happens_within_some_days() -> None:
    company = aged("x", 20)
    people = list(company.people.values())
    assert {each.status for each in people} == {
        "active",
        "suspended",
        "unassigned",
        "left",
        "purged",
        "replaced",
    }
    assert any(each.mail is None for each in people)
    assert any(not each.given_name.isascii() for each in people)
    assert any("'" in each.login for each in people)
    assert any(not team.members for team in company.teams.values())
    assert any(each.login.startswith("renamed") for each in people)


def test_nobody_shares_a_login_with_somebody_who_is_not_gone() -> None:
    people = [each for each in aged("x", 20).people.values() if each.status != "replaced"]
    logins = [each.login.casefold() for each in people]
    assert len(logins) == len(set(logins))


def test_nobody_is_renamed_to_a_name_that_is_taken() -> None:
    before = aged("x", 3)
    company = Company("x", 40, 6, "acme.example")
    company.taken |= {each.login for each in before.people.values()}
    company.taken |= {each.name.casefold() for each in before.teams.values()}
    for _ in range(3):
        company.live()
    assert not company.taken.isdisjoint({each.login for each in before.people.values()})
    renamed = {each.login for each in company.people.values() if each.login.startswith("renamed")}
    assert renamed
    assert renamed.isdisjoint({each.login for each in before.people.values()})


PATHS = (
    "userName",
    "name.givenName",
    'emails[type eq "work"].value',
    'roles[primary eq "True"].value',
    f"{ENTERPRISE}:department",
    f"{ENTERPRISE}:manager.value",
)


@given(st.dictionaries(st.sampled_from(PATHS), st.text(min_size=1)))
def test_what_is_placed_is_read_back(values: dict[str, str]) -> None:
    resource = resource_of(values)
    assert values == {path: read(resource, path) for path in values}
    assert all(read(resource, path) is None for path in PATHS if path not in values)


def test_values_of_one_element_are_placed_in_one_element() -> None:
    resource: dict[str, Any] = {}
    place(resource, 'addresses[type eq "work"].locality', "Köln")
    place(resource, 'addresses[type eq "work"].country', "DE")
    place(resource, 'addresses[type eq "home"].country', "FR")
    assert [
        {"type": "work", "locality": "Köln", "country": "DE"},
        {"type": "home", "country": "FR"},
    ] == resource["addresses"]


def test_texts_in_filters_are_escaped() -> None:
    assert r'"The \"A\" Team in C:\\"' == quoted('The "A" Team in C:\\')


def test_a_day_of_many_people_takes_no_longer_than_they_are_many() -> None:
    company = Company("x", 20_000, 5, "acme.example")
    looked_at = 0

    class Counted(dict[str, Any]):
        def values(self) -> Any:
            nonlocal looked_at
            looked_at += len(self)
            return super().values()

    company.people = Counted(company.people)
    company.live()
    assert looked_at < 30 * len(company.people)
