"""Values made comparable, the same way for filters, uniqueness, sorting and the store."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from scim_asgi.protocol.schemas import Attribute

_DATE_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SQL_INTEGER = 2**63


def fold(text: str) -> str:
    """Return text as it is compared without case: width-mapped, case-folded, NFC.

    The preparation of RFC 8265 section 3.3, with case folding (RFC 7613) so that ``ß`` and
    ``ss`` are one.
    """
    if text.isascii():
        return text.lower()
    wide = "".join(map(_narrow, text))
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", wide).casefold())


@lru_cache(maxsize=1024)
def _narrow(character: str) -> str:
    if unicodedata.east_asian_width(character) in "FH":
        return unicodedata.normalize("NFKC", character)
    return character


def exact(text: str) -> str:
    """Return text as it is compared with case: NFC."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def parse_date_time(text: str) -> int:
    """Return an xsd:dateTime as microseconds since 1970, UTC where it names no offset.

    Raises:
        ValueError: It is no date and time (RFC 7643 section 2.3.5).
    """
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        msg = "not a date and time such as 2026-01-31T10:00:00Z"
        raise ValueError(msg)
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    fraction, offset = match.groups()[6:]
    moment = datetime(year, month, day, hour, minute, second, tzinfo=_offset(offset))
    return (moment - _EPOCH) // _MICROSECOND + int(f"{fraction or '0':0<6.6}")


def _offset(text: str | None) -> timezone:
    if text in (None, "Z"):
        return UTC
    assert text is not None
    minutes = int(text[1:3]) * 60 + int(text[4:6])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def format_date_time(milliseconds: int) -> str:
    """Return Unix milliseconds as an xsd:dateTime in UTC, such as 2026-01-31T10:00:00.000Z."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"{_format_seconds(seconds)}.{rest:03d}Z"


@lru_cache(maxsize=4096)
def _format_seconds(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, tz=UTC):%Y-%m-%dT%H:%M:%S}"


def comparable(attribute: Attribute, value: Any) -> Any:
    """Return a simple attribute's value in the form in which it is compared.

    Text is folded unless the attribute is caseExact, dates become microseconds, base64 loses its
    padding; numbers and booleans stay.

    Args:
        attribute: A simple attribute or sub-attribute.
        value: A value that fits it.

    Raises:
        ValueError: A date that is none.
    """
    if attribute.type == "dateTime":
        return parse_date_time(value)
    if attribute.type == "binary":
        return value.rstrip("=")
    if isinstance(value, str):
        return exact(value) if attribute.case_exact else fold(value)
    if isinstance(value, int) and not -_SQL_INTEGER <= value < _SQL_INTEGER:
        return float(value)
    return value
