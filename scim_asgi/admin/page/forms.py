"""Forms as they are sent: ``application/x-www-form-urlencoded``, within limits."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.types import Receive, Scope

from scim_asgi.admin.errors import AdminError
from scim_asgi.http.requests import check_headers, read_body
from scim_asgi.protocol.limits import Limits

_LIMITS = Limits(body_bytes=2**20)
_MAX_FIELDS = 4000
_MAX_DIGITS = 16
_MEDIA_TYPE = b"application/x-www-form-urlencoded"


class Form:
    """The fields of a form or of a query string.

    Args:
        pairs: Names and values, in their order.
    """

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value.replace("\x00", "\ufffd"))

    def get(self, name: str, default: str = "") -> str:
        """Return the last value of a field, without blanks around it."""
        return self._values.get(name, [default])[-1].strip()

    def all(self, name: str) -> list[str]:
        """Return all values of a field, in their order, without blanks around them."""
        return [value.strip() for value in self._values.get(name, [])]

    def __contains__(self, name: str) -> bool:
        return name in self._values


def number_of(text: str) -> int | None:
    """Return a whole number that was sent; None where it is none, or longer than any can be."""
    return int(text) if text.isdecimal() and len(text) < _MAX_DIGITS else None


def query_of(scope: Scope) -> Form:
    """Return the query string's parameters."""
    return _read(scope["query_string"])


async def form_of(scope: Scope, receive: Receive) -> Form:
    """Return the form in a request's body.

    Raises:
        AdminError: It is no form.
        ScimError: It is too long, or not whole.
    """
    headers = dict(scope["headers"])
    check_headers(scope, headers)
    media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    body = await read_body(headers, receive, _LIMITS)
    if body and media_type != _MEDIA_TYPE:
        raise AdminError(415, "media_type_unsupported", "This page takes forms of its own only.")
    return _read(body)


def _read(raw: bytes) -> Form:
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="replace",
            max_num_fields=_MAX_FIELDS,
        )
    except ValueError:
        msg = "The form cannot be read: it is damaged, or has too many fields."
        raise AdminError(400, "body_invalid", msg) from None
    return Form(pairs)
