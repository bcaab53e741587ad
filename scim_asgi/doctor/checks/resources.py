"""Users and groups as they are shown."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from scim_asgi.doctor.answers import in_words
from scim_asgi.doctor.examination import Examination

_EXCLUDED = "excludedAttributes=members"


def check_users(exam: Examination) -> None:
    """Look at the users of the first list."""
    if not exam.first.resources:
        exam.skip("users-complete", "There is no user yet; ask again when there is one.")
        return
    users = exam.first.resources
    lacks = sorted({lack for user in users for lack in _lacks(user)})
    without = sum("active" not in user for user in users)
    if lacks == ["active"] and without < len(users) and not any(map(_has_wrong_active, users)):
        exam.warn(
            "users-complete",
            f"{without} of {len(users)} users in the list have no active.",
            "A client may have removed it by name: have the directory send true or false again.",
        )
    elif lacks:
        exam.fail(
            "users-complete",
            f"Users in the list have no {', '.join(lacks)}.",
            'Return "id" and "userName" as text and "active" as true or false for everybody,'
            " inactive users too.",
        )
    else:
        exam.ok("users-complete", f"{len(exam.first.resources)} looked at.")


def _has_wrong_active(user: dict[str, Any]) -> bool:
    return not isinstance(user.get("active", True), bool)


def _lacks(user: dict[str, Any]) -> list[str]:
    kinds = (("id", str), ("userName", str), ("active", bool))
    return [name for name, kind in kinds if not isinstance(user.get(name), kind)]


def check_ids(exam: Examination) -> None:
    """Look whether ids are numbers, and whether the next one shows somebody else's user."""
    ids = exam.page.ids
    if not ids:
        exam.skip("ids", "There is no user yet; ask again when there is one.")
        return
    numbers = [int(each) for each in ids if each.isdecimal() and len(each) < 10]
    if not numbers:
        exam.ok("ids", "They are no numbers that could be counted through.")
        return
    if len(ids) == exam.page.total:
        for neighbour in (max(numbers) + 1, min(numbers) - 1):
            if exam.client.get(f"/Users/{neighbour}").status == 200:
                exam.fail(
                    "ids",
                    f"/Users/{neighbour} shows a user who is not in this token's list.",
                    "Close this at once: another organization's id has to be 404. Name the"
                    " token's organization in every query.",
                )
                return
    exam.warn(
        "ids",
        "They are small numbers, which can be counted through.",
        "Use UUIDs or other random ids, so that nobody can guess another organization's.",
        ("okta",),
    )


def check_groups(exam: Examination) -> None:
    """Look at one group with and without its members."""
    groups = exam.client.get("/Groups?startIndex=1&count=2")
    group = next((each for each in groups.resources if isinstance(each.get("id"), str)), None)
    if group is None:
        seen = (
            "There is no group yet; ask again when there is one."
            if groups.is_list
            else f"A list of groups is answered {in_words(groups)}."
        )
        exam.skip("group-members", seen)
        exam.skip("excluded-members", seen)
        return
    path = f"/Groups/{quote(group['id'], safe='')}"
    whole = exam.client.get(path)
    if isinstance(whole.body.get("members"), list):
        exam.ok("group-members", f"{len(whole.body['members'])} in the first group.")
    else:
        exam.fail(
            "group-members",
            f'The first group, asked for by id, is answered {in_words(whole)} without "members".',
            'Return "members" with every group, [] when it has none: authentik compares them to'
            " decide whom to add.",
        )
    without = exam.client.get(f"{path}?{_EXCLUDED}")
    listed = exam.client.get(f"/Groups?startIndex=1&count=2&{_EXCLUDED}")
    _check_excluded(exam, [without.body, *listed.resources])


def _check_excluded(exam: Examination, groups: list[dict[str, Any]]) -> None:
    advice = (
        "Honour excludedAttributes on lists and single groups: Entra may otherwise replace all"
        " members by one, and large groups make every look-up slow."
    )
    if any(each.get("members") for each in groups):
        exam.fail("excluded-members", f"?{_EXCLUDED} returns members all the same.", advice)
    elif any("members" in each for each in groups):
        exam.warn("excluded-members", f"?{_EXCLUDED} returns members, empty ones.", advice)
    else:
        exam.ok("excluded-members", "On a list and on a single group.")
