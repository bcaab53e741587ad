"""What the server says about itself."""

from __future__ import annotations

from typing import Any

from scim_asgi.doctor.answers import Answer, in_words, lenient_number
from scim_asgi.doctor.examination import Examination
from scim_asgi.protocol.core import GROUP, USER

_PARTS = {
    "patch": ("supported",),
    "bulk": ("supported", "maxOperations", "maxPayloadSize"),
    "filter": ("supported", "maxResults"),
    "changePassword": ("supported",),
    "sort": ("supported",),
    "etag": ("supported",),
}


def check_discovery(exam: Examination) -> None:
    """Read ServiceProviderConfig, ResourceTypes and Schemas, and single ones of these."""
    _check_config(exam)
    _check_kind(exam, "resource-types", "/ResourceTypes", ("User", "Group"))
    _check_kind(exam, "schemas", "/Schemas", (USER, GROUP))


def _check_config(exam: Examination) -> None:
    answer = exam.client.get("/ServiceProviderConfig")
    lack = lack_of_config(answer)
    if lack:
        exam.fail(
            "service-provider-config",
            lack,
            "Return it whole (RFC 7643 section 5): authentik takes a server whose config it cannot"
            " read for one without PATCH and filters; CyberArk and SailPoint need it to begin.",
        )
    elif not _supports(answer, "patch") or not _supports(answer, "filter"):
        exam.fail(
            "service-provider-config",
            "It says that PATCH or filters are not supported.",
            "Support both, and say so: authentik goes by it.",
        )
    elif lenient_number(answer.body["bulk"]["maxOperations"]) == 1:
        exam.warn(
            "service-provider-config",
            "bulk.maxOperations is 1.",
            "authentik takes it for the size of its PATCHes too: give a larger number, or 0.",
            ("authentik",),
        )
    else:
        exam.ok("service-provider-config", "Whole; PATCH and filters are supported.")


def lack_of_config(answer: Answer) -> str:
    """Return what an answer lacks of a ServiceProviderConfig, empty when nothing."""
    if answer.status != 200 or not answer.body:
        return f"It is answered {in_words(answer)}."
    lacks = [
        f"{part}.{member}"
        for part, members in _PARTS.items()
        for member in members
        if not isinstance(_member(answer.body, part, member), int)
    ]
    if not isinstance(answer.body.get("authenticationSchemes"), list):
        lacks.append("authenticationSchemes")
    return f"It has no {', '.join(lacks)}." if lacks else ""


def _member(body: dict[str, Any], part: str, member: str) -> Any:
    inner = body.get(part)
    return inner.get(member) if isinstance(inner, dict) else None


def _supports(answer: Answer, part: str) -> bool:
    return _member(answer.body, part, "supported") is True


def _check_kind(exam: Examination, check: str, path: str, ids: tuple[str, ...]) -> None:
    every = exam.client.get(path)
    if not every.is_list or not set(ids) <= {_identity(each) for each in every.resources}:
        exam.fail(
            check,
            f"{path} is answered {in_words(every)}, without {' and '.join(ids)} in a list.",
            "Return a ListResponse with them (RFC 7644 section 4).",
        )
        return
    for each in ids:
        answer = exam.client.get(f"{path}/{each}")
        if answer.status != 200 or _identity(answer.body) != each:
            exam.fail(
                check,
                f"{path}/{each} is answered {in_words(answer)}.",
                "Return them one by one too: CyberArk and SailPoint ask for each.",
                ("cyberark", "sailpoint"),
            )
            return
    exam.ok(check, f"{len(every.resources)}.")


def _identity(resource: dict[str, Any]) -> str:
    return str(resource.get("id") or resource.get("name"))
