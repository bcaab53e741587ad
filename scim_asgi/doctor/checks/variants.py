"""The same request in the words of different directories: each has to be answered alike."""

from __future__ import annotations

from uuid import uuid4

from msgspec import UNSET, Struct

from scim_asgi.doctor.answers import Answer, in_words
from scim_asgi.doctor.catalogue import ALL, CHECKS
from scim_asgi.doctor.examination import FIRST_PATH, Examination

_SCIM_UTF8 = "application/scim+json; charset=utf-8"


class Variant(Struct, frozen=True):
    """One way to write the request.

    Attributes:
        check: The check that it belongs to.
        words: What is special about it.
        path: The path; ``{nobody}`` stands for a name that nobody has.
        headers: The headers that differ; None for those left out.
        directories: Who writes it so.
    """

    check: str
    words: str
    path: str = FIRST_PATH
    headers: dict[str, str | None] = {}
    directories: tuple[str, ...] = ALL


_BEHIND_A_SLASH = "behind a slash"
_NOBODY = "filter=userName+eq+%22{nobody}%22"

_VARIANTS = (
    Variant("user-agent", "without a User-Agent", headers={"user_agent": None},
            directories=("entra", "onelogin")),
    Variant("user-agent", "with an empty User-Agent", headers={"user_agent": ""},
            directories=("onelogin",)),
    Variant("user-agent", "as Google-Auto-Provisioning",
            headers={"user_agent": "Google-Auto-Provisioning"}, directories=("google",)),
    Variant("user-agent", "as Apache-HttpClient/4.5.13 (Java/17)",
            headers={"user_agent": "Apache-HttpClient/4.5.13 (Java/17)"}, directories=("ping",)),
    Variant("user-agent", "as Okta SCIM Client 1.0.0",
            headers={"user_agent": "Okta SCIM Client 1.0.0"}, directories=("okta",)),
    Variant("accept", "without Accept", headers={"accept": None}, directories=("entra",)),
    Variant("accept", "Accept: */*", headers={"accept": "*/*"}),
    Variant("accept", "Accept: application/json", headers={"accept": "application/json"},
            directories=("google", "onelogin")),
    Variant("accept", f"Accept: {_SCIM_UTF8}", headers={"accept": _SCIM_UTF8},
            directories=("okta",)),
    Variant("request-type", f"Content-Type: {_SCIM_UTF8}", headers={"content_type": _SCIM_UTF8},
            directories=("okta",)),
    Variant("request-type", "Content-Type: application/scim+json",
            headers={"content_type": "application/scim+json"},
            directories=("onelogin", "authentik")),
    Variant("slashes", "//Users", path=f"/{FIRST_PATH}"),
    Variant("slashes", "/Users/", path=FIRST_PATH.replace("?", "/?")),
    Variant("encoding", "%20 for spaces", path=f"/Users?{_NOBODY.replace('+', '%20')}"),
    Variant("entra-flag", "in front of the filter", path=f"/Users?aadOptscim062020&{_NOBODY}"),
    Variant("entra-flag", "with a value", path=f"/Users?aadOptscim062020=true&{_NOBODY}"),
    Variant("entra-flag", "behind the filter", path=f"/Users?{_NOBODY}&aadOptscim062020"),
    Variant("entra-flag", _BEHIND_A_SLASH, path=f"/Users/?aadOptscim062020&{_NOBODY}"),
)  # fmt: skip

_ADVICE = {
    "user-agent": (
        "Let the firewall pass every User-Agent, and none, to the SCIM paths: the token is what"
        " protects them."
    ),
    "accept": "Answer application/scim+json whatever Accept says; never 406.",
    "request-type": "Do not look at the Content-Type of a request that has no body.",
    "slashes": (
        "Take /Users, /Users/ and //Users for the same, without a redirect; else give directories"
        " the URL without a slash at its end."
    ),
    "encoding": "Decode + and %20 in a query alike.",
    "entra-flag": (
        "Pass over query parameters that are not known, also those without a value; until then"
        " leave ?aadOptscim062020 out of Entra's Tenant URL."
    ),
}


def check_variants(exam: Examination) -> None:
    """Send each variant and compare its answer with that of the plain request."""
    exam.nobody = exam.client.get(f"/Users?{_NOBODY.format(nobody=uuid4())}")
    bad: dict[str, list[tuple[Variant, Answer]]] = {}
    for variant in _VARIANTS:
        if variant.words == _BEHIND_A_SLASH and "slashes" in bad:
            continue
        answer = exam.client.get(variant.path.format(nobody=uuid4()), **variant.headers)
        plain = exam.nobody if "{nobody}" in variant.path else exam.first
        if not _alike(answer, plain):
            bad.setdefault(variant.check, []).append((variant, answer))
    for check in _ADVICE:
        if check in bad:
            _note(exam, check, bad[check])
        elif not exam.failed(check):
            exam.ok(check, "Tried.")


def _note(exam: Examination, check: str, bad: list[tuple[Variant, Answer]]) -> None:
    seen = "; ".join(f"{variant.words}: {in_words(answer)}" for variant, answer in bad)
    concerned = {each for variant, _ in bad for each in variant.directories}
    directories = tuple(each for each in CHECKS[check].directories if each in concerned)
    note = exam.fail if check != "slashes" or exam.base.slash or _redirects(bad) else exam.warn
    note(check, f"{seen[0].upper()}{seen[1:]}.", _ADVICE[check], directories)


def _redirects(bad: list[tuple[Variant, Answer]]) -> bool:
    return any(300 <= answer.status < 400 for _, answer in bad)


def _alike(answer: Answer, plain: Answer) -> bool:
    return (
        answer.status == plain.status
        and (answer.value is UNSET) == (plain.value is UNSET)
        and (not plain.is_list or answer.total == plain.total)
    )
