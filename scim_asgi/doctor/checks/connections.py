"""Each directory's connection test, as that product sends it."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from msgspec import Struct

from scim_asgi.doctor.answers import Answer, in_words
from scim_asgi.doctor.catalogue import DIRECTORIES
from scim_asgi.doctor.checks.discovery import lack_of_config
from scim_asgi.doctor.examination import Examination
from scim_asgi.doctor.findings import Level
from scim_asgi.protocol.core import USER
from scim_asgi.remote import authorization

Expectation = Callable[[Answer], str]

_SCIM = "application/scim+json"
_HARMLESS = (
    *("url-public", "url-underscore", "url-path", "locations", "nulls", "clock", "speed", "cache"),
    *("content-type", "page-size", "paging", "users-complete", "group-members", "not-found"),
    *("excluded-members", "token-refused", "filter-finds", "rate-limit"),
)


def _list(answer: Answer) -> str:
    return "" if answer.is_list else in_words(answer)


def _numbered_list(answer: Answer) -> str:
    names = ("totalResults", "startIndex", "itemsPerPage")
    texts = [name for name in names if isinstance(answer.body.get(name), str)]
    return _list(answer) or (f"{texts[0]} is a text, not a number" if texts else "")


def _nobody(answer: Answer) -> str:
    return _list(answer) or (f"{answer.total} matches instead of none" if answer.total else "")


def _nobody_or_404(answer: Answer) -> str:
    return "" if answer.status == 404 else _nobody(answer)


def _object(answer: Answer) -> str:
    return "" if answer.status == 200 and answer.body else in_words(answer)


def _config(answer: Answer) -> str:
    return lack_of_config(answer).rstrip(".")


class Step(Struct, frozen=True):
    """One request of a connection test.

    Attributes:
        path: The path; ``{nobody}`` stands for a value that nobody has.
        lack: Returns what an answer lacks, empty when nothing.
    """

    path: str
    lack: Expectation


class Connection(Struct, frozen=True):
    """One directory's connection test.

    Attributes:
        directory: The directory.
        headers: The headers besides Authorization. Where a product's User-Agent or Accept is
            not known, the doctor's own stands in; None is for none at all.
        steps: The requests in order.
        remark: What is left out, or not known.
    """

    directory: str
    headers: dict[str, str | None]
    steps: tuple[Step, ...]
    remark: str = ""


CONNECTIONS = (
    Connection(
        "entra",
        {"User-Agent": None, "Accept": None, "ADSCIMVersion": "6.0"},
        (
            Step("/Users?filter=userName+eq+%22{nobody}%22", _nobody),
            Step(
                "/Groups?excludedAttributes=members&filter=displayName+eq+%22{nobody}%22", _nobody
            ),
        ),
    ),
    Connection(
        "okta",
        {
            "User-Agent": "Okta SCIM Client 1.0.0",
            "Accept": _SCIM,
            "Accept-Charset": "utf-8",
            "Accept-Encoding": "gzip,deflate",
        },
        (Step("/Users?startIndex=1&count=2", _numbered_list),),
    ),
    Connection("google", {"User-Agent": "Google-Auto-Provisioning"}, (Step("/Users", _list),)),
    Connection(
        "rippling",
        {},
        (
            Step("/ServiceProviderConfig", _object),
            Step("/Users?filter=externalId+eq+%22{nobody}%22", _nobody),
        ),
    ),
    Connection(
        "onelogin",
        {"User-Agent": "", "Content-Type": _SCIM},
        (Step("/Users?filter=userName%20eq%20%22{nobody}%22", _nobody_or_404),),
    ),
    Connection(
        "jumpcloud",
        {},
        (Step("/Users?filter=userName%20eq%20%22{nobody}%22", _nobody),),
        "Only its look-up was sent: its test creates and deletes a user and a group, and nothing"
        " is written here.",
    ),
    Connection(
        "ping",
        {"User-Agent": "Apache-HttpClient/4.5.13 (Java/17)"},
        (Step("/Users?filter=userName%20eq%20%22{nobody}%22", _nobody),),
        "Only its look-up was sent: what its own test sends is not documented.",
    ),
    Connection(
        "cyberark",
        {},
        (
            Step("/Users?count=1", _list),
            Step("/ServiceProviderConfig", _object),
            Step("/ResourceTypes/User", _object),
            Step("/ResourceTypes/Group", _object),
            Step(f"/Schemas/{USER}", _object),
            Step("/Groups", _list),
        ),
    ),
    Connection(
        "sailpoint",
        {},
        (
            Step("/ServiceProviderConfig", _object),
            Step("/ResourceTypes", _list),
            Step("/Schemas", _list),
            Step("/ResourceTypes/User", _object),
            Step("/ResourceTypes/Group", _object),
            Step(f"/Schemas/{USER}", _object),
        ),
    ),
    Connection(
        "authentik",
        {"Accept": _SCIM, "Content-Type": _SCIM},
        (
            Step("/ServiceProviderConfig", _config),
            Step("/Users?startIndex=1", _list),
            Step("/Groups?startIndex=1", _list),
        ),
    ),
    Connection(
        "keycloak",
        {"User-Agent": "Apache-HttpClient/4.5.13 (Java/17)"},
        (Step("/Users", _list),),
        "It has no test of its own; its import was tried.",
    ),
)


def try_connections(exam: Examination) -> dict[str, str]:
    """Send the connection tests.

    Returns:
        What is wrong with the first answer that is not as the directory wants it, by directory;
        empty where all are.
    """
    return {each.directory: _try(exam, each) for each in CONNECTIONS}


def _try(exam: Examination, connection: Connection) -> str:
    own = {"User-Agent": exam.client.user_agent, "Accept": exam.client.accept}
    chosen = {**own, **connection.headers}
    sent = {name: value for name, value in chosen.items() if value is not None}
    headers = {**authorization(exam.client.token), **sent}
    for step in connection.steps:
        path = step.path.format(nobody=uuid4())
        lack = step.lack(exam.client.exactly(f"{exam.base.text}{path}", headers))
        if lack:
            return f"GET {step.path.partition('?')[0]}: {lack}"
    return ""


def conclude_connections(exam: Examination, tried: dict[str, str] | None) -> None:
    """Note how the connection tests ended, and which other failures that comes from.

    Args:
        exam: The examination.
        tried: What :func:`try_connections` returned; None where they were not sent.
    """
    for connection in CONNECTIONS:
        check = f"connection-{connection.directory}"
        causes = _causes(exam, connection.directory)
        wrong = "" if tried is None else tried.get(connection.directory, "")
        if tried is None and causes:
            exam.fail(check, "It was not sent.", "See there.", causes=causes)
        elif tried is None:
            exam.skip(check, "It needs a token." if exam.token is None else "It was not sent.")
        elif wrong:
            advice = "See there." if causes else "Look for this request in the server's log."
            exam.fail(check, f"{wrong}.", advice, causes=causes)
        elif connection.remark:
            exam.skip(check, connection.remark)
        else:
            exam.ok(check, f"{DIRECTORIES[connection.directory]} would be content.")


def _causes(exam: Examination, directory: str) -> tuple[str, ...]:
    return tuple(
        each.id
        for each in exam.findings.values()
        if each.level is Level.FAILURE
        and directory in each.directories
        and each.id not in _HARMLESS
        and not each.id.startswith("connection-")
    )
