"""Cursors: where a walk through a list goes on (RFC 9865).

A cursor holds everything itself, so that any number of walks costs the server nothing. It is
sealed with the database's secret: a client can neither read nor change it, and one of another
organization or query looks like any other that is not ours.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec
from msgspec import Struct

from scim_asgi.protocol.errors import ExpiredCursor, InvalidCursor

_TAG = 16
_LONGEST = 500


class Position(Struct, frozen=True, array_like=True):
    """What a cursor says.

    Attributes:
        query: The fingerprint of the query that it belongs to.
        expires_at: Until when it may be used, in Unix milliseconds.
        count: How many resources a page of the walk has.
        after: The number of the last resource of the page before, in the order of creation.
        offset: How many resources came before, in any other order.
    """

    query: bytes
    expires_at: int
    count: int
    after: int | None = None
    offset: int = 0


def fingerprint(*parts: str | None) -> bytes:
    """Return what tells one query from another."""
    return hashlib.sha256(msgspec.msgpack.encode(parts)).digest()[:_TAG]


def seal(secret: bytes, position: Position) -> str:
    """Return a position as a cursor: only ``A-Z a-z 0-9 - _``.

    The tag is a MAC of the plain text, and the key stream is derived from it (as in SIV).
    """
    plain = msgspec.msgpack.encode(position)
    tag = _mac(secret, b"tag", plain)[:_TAG]
    sealed = tag + _masked(secret, tag, plain)
    return urlsafe_b64encode(sealed).rstrip(b"=").decode()


def unseal(secret: bytes, cursor: str, query: bytes, now: int) -> Position:
    """Return the position that a cursor stands for.

    Args:
        secret: What it was sealed with.
        cursor: The cursor as it came.
        query: The fingerprint of the query that it came with.
        now: Unix milliseconds.

    Raises:
        InvalidCursor: It is none of ours, or was made for another query.
        ExpiredCursor: It is too old.
    """
    position = _open(secret, cursor)
    if position is None or position.query != query:
        msg = (
            '"cursor" was not issued for this query; send it back as nextCursor gave it, with '
            'the same filter and sorting, or begin anew with an empty "cursor".'
        )
        raise InvalidCursor(msg)
    if position.expires_at <= now:
        msg = '"cursor" has expired; begin anew with an empty "cursor".'
        raise ExpiredCursor(msg)
    return position


def _open(secret: bytes, cursor: str) -> Position | None:
    try:
        sealed = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
    except ValueError:
        return None
    tag, masked = sealed[:_TAG], sealed[_TAG:_LONGEST]
    plain = _masked(secret, tag, masked)
    if not hmac.compare_digest(tag, _mac(secret, b"tag", plain)[:_TAG]):
        return None
    return msgspec.msgpack.decode(plain, type=Position)


def _mac(secret: bytes, purpose: bytes, text: bytes) -> bytes:
    return hmac.digest(secret, purpose + b"\0" + text, "sha256")


def _masked(secret: bytes, tag: bytes, text: bytes) -> bytes:
    blocks = range(-(-len(text) // 32))
    stream = b"".join(_mac(secret, b"stream", tag + bytes([block])) for block in blocks)
    return bytes(a ^ b for a, b in zip(text, stream, strict=False))
