"""Look-ups: what nobody has, what somebody has, and filters that are passed over."""

from __future__ import annotations

import json
from urllib.parse import quote
from uuid import uuid4

from msgspec import Struct

from scim_asgi.doctor.answers import Answer, in_words
from scim_asgi.doctor.catalogue import ALL
from scim_asgi.doctor.examination import Examination

_CONTENT_WITH_404 = ("okta", "onelogin")
_STRICT = tuple(each for each in ALL if each not in _CONTENT_WITH_404)


class Lookup(Struct, frozen=True):
    """One look-up that finds nobody.

    Attributes:
        words: What it looks for.
        path: The path; ``{nobody}`` stands for a value that nobody has.
        directories: Who sends it; those of ``filter-attributes`` when empty.
        by_default: Whether they send it unless an admin chose otherwise.
    """

    words: str
    path: str
    directories: tuple[str, ...]
    by_default: bool = True


_LOOKUPS = (
    Lookup("users by externalId", "/Users?filter=externalId+eq+%22{nobody}%22",
           ("entra", "rippling")),
    Lookup("groups by displayName",
           "/Groups?excludedAttributes=members&filter=displayName+eq+%22{nobody}%22",
           ("entra", "okta")),
    Lookup("users by work e-mail address",
           "/Users?filter=emails%5Btype+eq+%22work%22%5D.value+eq+%22{nobody}%22", ("entra",),
           by_default=False),
    Lookup("users by emails", "/Users?filter=emails+eq+%22{nobody}%22", ("ping",),
           by_default=False),
    Lookup("groups by externalId",
           "/Groups?excludedAttributes=members&filter=externalId+eq+%22{nobody}%22", ("entra",),
           by_default=False),
    Lookup("users in another case", "/Users?filter=username+Eq+%22{nobody}%22", ("ping",),
           by_default=False),
)  # fmt: skip


def check_filters(exam: Examination) -> None:
    """Look for nobody in several ways, then for somebody."""
    _check_nobody(exam)
    if exam.failed("filter-ignored"):
        exam.skip("filter-attributes", "Filters are passed over.")
        exam.skip("filter-finds", "Filters are passed over.")
        return
    _check_lookups(exam)
    _check_finds(exam)


def _check_nobody(exam: Examination) -> None:
    answer = exam.nobody
    if answer.is_list and answer.total:
        exam.skip("filter-no-match", "The filter is passed over.")
        _ignored(exam, "userName", answer)
        return
    if answer.is_list:
        exam.ok("filter-no-match", "200 and totalResults 0.")
    elif answer.status == 404:
        exam.fail(
            "filter-no-match",
            "A look-up that finds nobody is answered 404.",
            "Answer 200 and a ListResponse with totalResults 0 and an empty Resources: a 404 ends"
            " Entra's Test Connection, and quarantines a job that runs.",
            _STRICT,
        )
    else:
        exam.fail(
            "filter-no-match",
            f"A look-up by userName is answered {in_words(answer)}.",
            "Every directory looks users up by userName before it creates them: support eq on it.",
        )
    if exam.first.total:
        exam.ok("filter-ignored", "A filter on a name that nobody has finds nobody.")
    else:
        exam.skip("filter-ignored", "There is no user yet; ask again when there is one.")


def _ignored(exam: Examination, attribute: str, answer: Answer) -> None:
    exam.fail(
        "filter-ignored",
        f"A filter on {attribute} for a random value finds {answer.total} resources.",
        "Apply the filter, or answer 400 invalidFilter: a directory that gets everybody links its"
        " first person to somebody else's account. Look whether the proxy keeps the query.",
    )


def _check_lookups(exam: Examination) -> None:
    must: list[str] = []
    may: list[str] = []
    concerned: set[str] = set()
    for lookup in _LOOKUPS:
        answer = exam.client.get(lookup.path.format(nobody=uuid4()))
        if answer.is_list and answer.total:
            _ignored(exam, lookup.words, answer)
        elif not answer.is_list and answer.status != exam.nobody.status:
            (must if lookup.by_default else may).append(f"{lookup.words}: {in_words(answer)}")
            concerned.update(lookup.directories)
    if not must and not may:
        exam.ok("filter-attributes", "externalId, displayName and e-mail addresses.")
        return
    note = exam.fail if must else exam.warn
    advice = (
        "Support eq on these; where groups are not wanted, answer 200 and an empty list. Or let"
        " the directory's admin match on userName, where it can be chosen."
    )
    directories = tuple(each for each in ALL if each in concerned)
    note("filter-attributes", f"{'; '.join((*must, *may))}.", advice, directories)


def _check_finds(exam: Examination) -> None:
    user = next(
        (
            each
            for each in exam.first.resources
            if isinstance(each.get("userName"), str) and isinstance(each.get("id"), str)
        ),
        None,
    )
    if user is None:
        exam.skip("filter-finds", "There is no user yet; ask again when there is one.")
        return
    name, user_id = user["userName"], user["id"]
    by_id = exam.client.get(f"/Users/{quote(user_id, safe='')}")
    if by_id.status != 200 or by_id.body.get("id") != user_id:
        exam.fail(
            "filter-finds",
            f"The first user of the list, asked for by id, is answered {in_words(by_id)}.",
            "Answer GET /Users/{id} with the user whom the list shows under that id.",
        )
    elif _search(exam, name).ids != [user_id]:
        exam.fail(
            "filter-finds",
            "The first user of the list is not found alone by the very same userName.",
            "Compare userName as it was stored, and return one user and no more.",
        )
    elif name.isascii() and name.upper() != name and _search(exam, name.upper()).ids != [user_id]:
        exam.warn(
            "filter-finds",
            "A userName in capital letters does not find its user.",
            "Compare userName without regard to case; Entra's validator tests it.",
            ("entra",),
        )
    else:
        exam.ok("filter-finds", "By userName in two cases, and by id.")


def _search(exam: Examination, name: str) -> Answer:
    return exam.client.get(f"/Users?filter=userName+eq+{quote(json.dumps(name), safe='')}")
