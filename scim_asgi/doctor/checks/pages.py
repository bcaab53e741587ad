"""Paging by index: complete pages in one order, and an end."""

from __future__ import annotations

from scim_asgi.doctor.answers import Answer, in_words, lenient_number
from scim_asgi.doctor.examination import FIRST_PATH, Examination

_OKTA_PAGE = 100


def check_pages(exam: Examination) -> None:
    """Read one large page, and the same users in small pages."""
    large = exam.client.get(f"/Users?startIndex=1&count={_OKTA_PAGE}")
    if not large.is_list:
        _refused(exam, f"count={_OKTA_PAGE}", large)
        exam.skip("page-size", "There is no such page.")
        return
    exam.page = large
    _check_size(exam, large)
    if len(large.ids) < 2:
        exam.skip("paging", "Fewer than two users; ask again when there are more.")
        return
    bad = _difference(exam, large)
    if bad:
        exam.fail(
            "paging",
            bad,
            "Sort by something that never changes, honour startIndex and count, and echo"
            " startIndex: directories that import users lose or repeat people otherwise.",
        )
    elif not exam.failed("paging"):
        exam.ok("paging", "The same users in large and small pages, and an empty one at the end.")


def _check_size(exam: Examination, large: Answer) -> None:
    expected = min(_OKTA_PAGE, large.total)
    if len(large.resources) < expected:
        exam.fail(
            "page-size",
            f"A page of {_OKTA_PAGE} has {len(large.resources)} of {large.total} users.",
            f"Allow pages of {_OKTA_PAGE} and more: Okta goes on {_OKTA_PAGE} further whatever the"
            " page had, and so loses users on import.",
        )
    elif large.total < _OKTA_PAGE:
        exam.ok("page-size", f"All {large.total} users in one page.")
    else:
        exam.ok("page-size", f"{len(large.resources)} users in a page.")


def _difference(exam: Examination, large: Answer) -> str:
    """Return how small pages differ from the large one, empty when they do not."""
    size = 2 if len(large.ids) > 3 else 1
    last = len(large.ids) - size + 1
    for start in dict.fromkeys((1, 1 + size, last)):
        page = exam.client.get(f"/Users?startIndex={start}&count={size}")
        if page.total != large.total:
            exam.skip("paging", "The number of users changed meanwhile; ask again.")
            return ""
        expected = large.ids[start - 1 : start - 1 + size]
        if len(page.ids) > size:
            return f"count={size} is answered with {len(page.ids)} users."
        if page.ids != expected:
            return f"The users at startIndex={start} are others than in a large page."
        if lenient_number(page.body.get("startIndex")) != start:
            return f'startIndex={start} is answered with another "startIndex".'
    return _open_ended(exam, large)


def _open_ended(exam: Examination, large: Answer) -> str:
    final = exam.client.get(f"/Users?startIndex={large.total}&count=2")
    if final.is_list and final.total == large.total and len(final.ids) != 1:
        return f"At startIndex={large.total}, the last user, there are {len(final.ids)}."
    after = exam.client.get(f"/Users?startIndex={large.total + 1}&count=2")
    if not after.is_list or after.ids:
        return f"Behind the last user the answer is {in_words(after)} and {len(after.ids)} users."
    for query in ("?startIndex=1", "?count=2", ""):
        page = exam.client.get(f"/Users{query}")
        shared = min(len(page.ids), len(large.ids))
        if not page.is_list:
            return f"/Users{query} is answered {in_words(page)}."
        if not page.ids or page.ids[:shared] != large.ids[:shared]:
            return f"/Users{query} begins with other users than {FIRST_PATH}."
    return ""


def _refused(exam: Examination, query: str, answer: Answer) -> None:
    exam.fail(
        "paging",
        f"A list with {query} is answered {in_words(answer)}.",
        "Allow it; a server may return fewer, but not refuse.",
    )
