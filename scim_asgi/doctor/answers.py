"""One answer of a server, and what can be said about it in a few words."""

from __future__ import annotations

import re
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from scim_asgi.protocol.messages import LIST_RESPONSE
from scim_asgi.remote import shown

_TITLE = re.compile(rb"<title[^>]*>([^<]{1,200})", re.IGNORECASE)


class NetworkTrouble(Struct, frozen=True):
    """Why there is no answer.

    Attributes:
        check: The check that it fails, ``reach``, ``tls`` or ``redirect``.
        seen: What happened.
        advice: What to do.
    """

    check: str
    seen: str
    advice: str


class Answer(Struct, frozen=True, kw_only=True):
    """One answer.

    Attributes:
        url: What was asked for.
        status: The HTTP status; 0 when there was no answer.
        headers: The headers, names in lower case.
        value: The body as JSON, UNSET when it is none or too long.
        start: The first bytes of the body.
        seconds: How long it took.
        at: When its headers came, in seconds of the epoch.
        trouble: Why there is none.
    """

    url: str
    status: int = 0
    headers: dict[str, str] = {}
    value: Any | UnsetType = UNSET
    start: bytes = b""
    seconds: float = 0.0
    at: float = 0.0
    trouble: NetworkTrouble | None = None

    @property
    def media_type(self) -> str:
        """The media type without parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().casefold()

    @property
    def is_html(self) -> bool:
        """Whether it is a web page."""
        if self.value is not UNSET:
            return False
        return self.media_type == "text/html" or self.start.lstrip()[:1] == b"<"

    @property
    def body(self) -> dict[str, Any]:
        """The body as an object, empty when it is none."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def is_list(self) -> bool:
        """Whether it is a successful ListResponse, or nearly one."""
        return self.status == 200 and (
            LIST_RESPONSE in texts(self.body.get("schemas"))
            or isinstance(self.body.get("Resources"), list)
            or "totalResults" in self.body
        )

    @property
    def resources(self) -> list[dict[str, Any]]:
        """The resources of a list, what is no object left out."""
        found = self.body.get("Resources")
        return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []

    @property
    def total(self) -> int:
        """The number of matches; the resources' own where it is not said."""
        total = lenient_number(self.body.get("totalResults"))
        return len(self.resources) if total is None else total

    @property
    def ids(self) -> list[str]:
        """The ids of the resources of a list."""
        return [str(each.get("id")) for each in self.resources]


def texts(value: Any) -> list[str]:
    """Return the texts in a list, () for what is none."""
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def lenient_number(value: Any) -> int | None:
    """Return a whole number, also where it came as text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isdecimal():
        return int(value[:18])
    return None


def page_title(answer: Answer) -> str:
    """Return the title of a web page, empty when it has none."""
    match = _TITLE.search(answer.start)
    return "" if match is None else shown(match[1].decode("utf-8", "replace"))


def in_words(answer: Answer) -> str:
    """Return what an answer is, in a few words."""
    if answer.trouble is not None:
        return answer.trouble.seen
    if 300 <= answer.status < 400 and "location" in answer.headers:
        return f"{answer.status}, a redirect to {shown(answer.headers['location'])}"
    if answer.is_html:
        title = page_title(answer)
        return f"{answer.status} and a web page" + (f" (“{title}”)" if title else "")
    detail = answer.body.get("detail")
    if isinstance(detail, str) and detail:
        return f"{answer.status}: “{shown(detail)}”"
    if answer.value is UNSET:
        return (
            f"{answer.status} and a body that is not JSON"
            if answer.start
            else f"{answer.status} and no body"
        )
    return str(answer.status)
