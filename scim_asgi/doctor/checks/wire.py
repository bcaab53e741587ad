"""What is true of all answers, whatever was asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scim_asgi.doctor.answers import Answer, in_words
from scim_asgi.doctor.client import skew_of
from scim_asgi.doctor.examination import Examination
from scim_asgi.remote import origin_of, shown

_SCIM = "application/scim+json"
_SLOW = 5.0
_SKEW_WARNING = 60
_SKEW_FAILURE = 300


def check_answers(exam: Examination) -> None:
    """Look through all answers that have come."""
    answers = [each for each in exam.client.answers if each.trouble is None]
    spoken = [each for each in answers if each.body]
    _check_media_types(exam, spoken)
    lists = [each for each in spoken if each.is_list]
    if lists:
        _check_shape(exam, lists)
        _check_numbers(exam, lists)
    _check_nulls(exam, spoken)
    _check_locations(exam, spoken)
    _check_failures(exam, answers)
    _check_cache(exam, answers)
    _check_clock(exam, answers)
    _check_speed(exam)


def _check_media_types(exam: Examination, spoken: list[Answer]) -> None:
    others = sorted({each.media_type for each in spoken} - {_SCIM})
    if not spoken:
        return
    if not others:
        exam.ok("content-type", f"All {len(spoken)}.")
        return
    seen = f"Some are {', '.join(shown(each) or 'without a Content-Type' for each in others)}."
    advice = f"Send “Content-Type: {_SCIM}” with every answer, errors too."
    if others == ["application/json"]:
        exam.warn("content-type", seen, f"{advice} Entra's validator stops at others.", ("entra",))
    else:
        exam.fail("content-type", seen, f"{advice} A proxy may have changed it.")


def _check_shape(exam: Examination, lists: list[Answer]) -> None:
    advice = 'Send "schemas" with the ListResponse URN and "Resources", [] when nobody is found.'
    bare = [each for each in lists if not isinstance(each.body.get("Resources"), list)]
    if any(each.total and each.body.get("itemsPerPage") != 0 for each in bare):
        exam.fail("list-shape", 'Lists have no "Resources".', advice)
    elif not all("schemas" in each.body for each in lists):
        exam.fail("list-shape", 'Lists have no "schemas".', advice)
    elif bare:
        exam.warn("list-shape", 'Empty lists have no "Resources".', advice)
    else:
        exam.ok("list-shape", f"All {len(lists)}.")


def _check_numbers(exam: Examination, lists: list[Answer]) -> None:
    names = ("totalResults", "startIndex", "itemsPerPage")
    texts = sorted(
        {name for each in lists for name in names if isinstance(each.body.get(name), str)}
    )
    lacking = sorted({name for each in lists for name in names if name not in each.body})
    if texts:
        exam.fail(
            "list-numbers",
            f"Texts are found in {', '.join(texts)}.",
            "Send JSON numbers, without quotes: Okta gives up without saying why.",
        )
    elif "totalResults" in lacking:
        exam.fail("list-numbers", "Lists have no totalResults.", "Send it with every list.")
    elif lacking:
        exam.warn(
            "list-numbers",
            f"Lists have no {', '.join(lacking)}.",
            "Send them with every list: Okta's tests ask for them.",
            ("okta",),
        )
    else:
        exam.ok("list-numbers", f"All {len(lists)}.")


def _check_nulls(exam: Examination, spoken: list[Answer]) -> None:
    found = [(each, path) for each in spoken for path in list(_nulls(each.body))[:1]]
    in_schemas = [(each, path) for each, path in found if "/Schemas" in each.url]
    advice = "Leave out what has no value."
    if not found:
        exam.ok("nulls", "None.")
    elif in_schemas:
        seen = f"Schemas hold null, at {shown(in_schemas[0][1])}."
        exam.fail("nulls", seen, f"{advice} Entra does not read such schemas.", ("entra",))
    else:
        exam.warn("nulls", f"{shown(found[0][1])} is null.", advice, ("entra",))


def _nulls(value: Any, path: str = "") -> Iterator[str]:
    if value is None:
        yield path
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _nulls(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _nulls(inner, f"{path}[{index}]")


def _check_locations(exam: Examination, spoken: list[Answer]) -> None:
    locations = [each for answer in spoken for each in _locations(answer)]
    wrong = [each for each in locations if not _is_below(each, exam.base.text)]
    if wrong:
        example = wrong[0].rpartition("/")[0] or wrong[0]
        exam.fail(
            "locations",
            f"Answers name {shown(example)}/… where the URL is {exam.base.text}.",
            "Tell the server its public URL (ScimApp: base_url, or serve --base-url), or let the"
            " proxy keep Host, scheme and path.",
        )
    elif locations:
        exam.ok("locations", f"All {len(locations)}.")
    else:
        exam.skip("locations", "No answer had one.")


def _locations(answer: Answer) -> Iterator[str]:
    for name in ("location", "content-location"):
        if name in answer.headers and answer.status < 300:
            yield answer.headers[name]
    yield from _inner_locations(answer.body)


def _inner_locations(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for inner in value:
            yield from _inner_locations(inner)
    elif isinstance(value, dict):
        meta = value.get("meta")
        if isinstance(meta, dict) and isinstance(meta.get("location"), str):
            yield meta["location"]
        reference = value.get("$ref")
        if isinstance(reference, str) and "://" in reference:
            yield reference
        for inner in value.values():
            yield from _inner_locations(inner)


def _is_below(location: str, base: str) -> bool:
    path = base.partition("://")[2].partition("/")[2]
    found = location.partition("://")[2].partition("/")[2]
    try:
        same = origin_of(location) == origin_of(base)
    except ValueError:
        return False
    return same and (not path or found.startswith(f"{path}/"))


def _check_failures(exam: Examination, answers: list[Answer]) -> None:
    silent = [each for each in exam.client.answers if each.trouble is not None]
    failed = [each for each in answers if each.status >= 500 and each.status != 501]
    if exam.failed("html"):
        failed = []
    if silent and answers:
        trouble = silent[0].trouble
        assert trouble is not None
        exam.fail("reach", f"{_path(exam, silent[0])}: {trouble.seen}", trouble.advice)
    if failed:
        exam.fail(
            "server-errors",
            f"{len(failed)} requests are answered with 5xx, the first {_path(exam, failed[0])}:"
            f" {in_words(failed[0])}.",
            "The server's log has the reason.",
        )
    elif answers:
        exam.ok("server-errors", f"None in {len(answers)} answers.")


def _path(exam: Examination, answer: Answer) -> str:
    return shown(answer.url.removeprefix(exam.base.text).partition("?")[0], 60) or "/"


def _check_cache(exam: Examination, answers: list[Answer]) -> None:
    for each in answers:
        age = each.headers.get("age", "0")
        hit = "hit" in each.headers.get("x-cache", "").casefold()
        if hit or (age.isdecimal() and int(age[:9]) > 0):
            exam.fail(
                "cache",
                f"{_path(exam, each)} was answered by a cache.",
                "Switch caching off for the SCIM paths: one customer's people may be shown to"
                " another, and changes seem to be lost.",
            )
            return
    if answers:
        exam.ok("cache", "No sign of one.")


def _check_clock(exam: Examination, answers: list[Answer]) -> None:
    skews = [skew for each in answers if (skew := skew_of(each)) is not None]
    if not skews:
        if answers:
            exam.skip("clock", "Answers have no Date header.")
        return
    skew = min(skews, key=abs)
    way = "ahead of" if skew > 0 else "behind"
    if abs(skew) < _SKEW_WARNING:
        exam.ok("clock", "Within a minute of this machine's.")
        return
    note = exam.fail if abs(skew) > _SKEW_FAILURE else exam.warn
    note(
        "clock",
        f"The server's clock is {abs(skew):.0f} s {way} this machine's.",
        "Set the one that is wrong, by NTP: tokens end too early or too late, and imports of what"
        " has changed lately pass changes over.",
    )


def _check_speed(exam: Examination) -> None:
    slowest = exam.client.slowest
    if slowest > _SLOW:
        exam.warn(
            "speed",
            f"One request took {slowest:.1f} s.",
            "Keycloak gives up after 5 s, Okta after 60 s: look what the server waits for.",
            ("keycloak",),
        )
    elif exam.client.sent and any(each.trouble is None for each in exam.client.answers):
        exam.ok("speed", f"The slowest took {slowest * 1000:.0f} ms.")
