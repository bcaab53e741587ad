"""Cases: what a directory sends and what has to be true then, read from JSON files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

FOLDER = Path(__file__).parent

_SOURCE = re.compile(r"(?:entra|other-idps) \d+[\d.A-Z]*[a-z]?(?: [CSW]?\d+)?")
_REQUEST = re.compile(r"(?:GET|POST|PUT|PATCH|DELETE|HEAD) \S")


class _Strict(Struct, frozen=True, forbid_unknown_fields=True):
    """A misspelt member is an error."""


class Given(_Strict, frozen=True, kw_only=True):
    """What is there before the first request.

    Attributes:
        users: Short name to attributes, over those that every user has; null takes one away.
        groups: Short name to the short names of the members.
    """

    users: dict[str, dict[str, Any]] = {}
    groups: dict[str, list[str]] = {}


class Then(_Strict, frozen=True, kw_only=True):
    """What has to be true after a request.

    Attributes:
        shows: Short name or path to what a GET shows.
        finds: List path to the short names of what is found, all of it, in any order.
        members: Group to the short names of its members, all of them, in any order.
        unchanged: Short names of resources that are exactly what they were, version included.
        gone: Short names of resources that are 404.
        accounts: E-mail address to fields of the host's accounts; there are no others.
        hooks: The changes that the host was told of since the request, in order.
        log: Texts that the log's rows of the request have in them.
    """

    shows: dict[str, Any] = {}
    finds: dict[str, list[str]] = {}
    members: dict[str, list[str]] = {}
    unchanged: list[str] = []
    gone: list[str] = []
    accounts: dict[str, dict[str, Any]] | None = None
    hooks: list[str] | None = None
    log: list[str] = []


class Step(_Strict, frozen=True, kw_only=True):
    """A request, what it has to be answered, and what has to be true then.

    Attributes:
        request: Method and path, such as ``PATCH /Users/{ada}``.
        headers: Headers over those of the directory; null takes one away.
        body: The JSON body.
        operations: The operations of a PATCH, in the place of a body.
        text: A body that is no JSON.
        status: The status that has to come back.
        response: What the answer's body shows.
        answer: Headers that the answer has.
        save: A short name for the resource that the answer shows.
        then: What has to be true then.
    """

    request: str
    headers: dict[str, str | None] = {}
    body: Any = None
    operations: list[dict[str, Any]] | None = None
    text: str | None = None
    status: int
    response: Any = None
    answer: dict[str, str] = {}
    save: str | None = None
    then: Then = Then()

    def __post_init__(self) -> None:
        if not _REQUEST.match(self.request):
            msg = "request has to be a method and a path"
            raise ValueError(msg)
        if sum(each is not None for each in (self.body, self.operations, self.text)) > 1:
            msg = "a request has one of body, operations and text"
            raise ValueError(msg)


class Story(_Strict, frozen=True, kw_only=True):
    """A case: requests in the order in which a directory sends them.

    Attributes:
        description: What is true, in words; and what other servers got wrong, where they did.
        source: Where it is known from: fact file, section, and perhaps the case's id.
        server: Settings of the ScimApp, where they are not the defaults.
        given: What is there before the first request.
        steps: The requests; a case of one has the members of its step in its own place.
    """

    description: str
    source: str
    server: dict[str, Any] = {}
    given: Given = Given()
    steps: list[Step]

    def __post_init__(self) -> None:
        if not _SOURCE.fullmatch(self.source):
            msg = 'source has to be a fact file and a section, such as "entra 3.4"'
            raise ValueError(msg)
        if not any(map(_says_something, self.steps)):
            msg = "a case has to say more than a status: response, answer or then"
            raise ValueError(msg)


def _says_something(step: Step) -> bool:
    return step.response is not None or bool(step.answer) or step.then != Then()


_OWN = frozenset(Story.__struct_fields__)


class Directory(_Strict, frozen=True, kw_only=True):
    """What a directory sends with every request.

    Attributes:
        headers: Headers of all requests.
        body_headers: Headers of those that have a body.
    """

    headers: dict[str, str] = {}
    body_headers: dict[str, str] = {}


def read_case(content: bytes) -> Story:
    """Read a case.

    Raises:
        msgspec.ValidationError: It is none; the message names the member.
    """
    members = msgspec.json.decode(content, type=dict[str, Any])
    if "steps" not in members:
        step = {name: members.pop(name) for name in [*members] if name not in _OWN}
        members["steps"] = [step]
    return msgspec.convert(members, Story)


def paths() -> list[Path]:
    """Return the files of all cases."""
    return sorted(FOLDER.glob("*/*.json"))


def directories() -> dict[str, Directory]:
    """Return what is known of every directory."""
    content = (FOLDER / "directories.json").read_bytes()
    return msgspec.json.decode(content, type=dict[str, Directory])
