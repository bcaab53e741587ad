"""Bearer SCIM tokens: issued once, stored as a digest, looked up on every request."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import logging
import re
import secrets
import zlib
from typing import Any

from msgspec import Struct

from scim_asgi.errors import ScimAsgiError
from scim_asgi.ids import uuid7
from scim_asgi.provisioning.audit import AuditAction, By, audit_row
from scim_asgi.provisioning.clock import LAST, now
from scim_asgi.redaction import TOKEN_PREFIX, shown
from scim_asgi.store.base import Store, Transaction
from scim_asgi.store.errors import StoreError
from scim_asgi.store.records import LogRecord, TokenRecord

logger = logging.getLogger("scim_asgi.tokens")

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PAIRS = ["".join(pair) for pair in itertools.product(_ALPHABET, repeat=2)]
_SECRET_LENGTH = 43
_CHECKSUM_LENGTH = 6
_LENGTH = len(TOKEN_PREFIX) + _SECRET_LENGTH + _CHECKSUM_LENGTH
_SHOWN = len(TOKEN_PREFIX) + 6
_MAX_NAME = 100
_MAX_ORGANIZATION = 255
_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""What a terminal or a browser obeys instead of showing it, and what cannot be stored."""
_TOUCH_AGAIN = 60_000
_MOST_KNOWN = 4096


class TokenError(ScimAsgiError):
    """A token cannot be issued or revoked; the message says why."""


class TokenUnknown(TokenError):
    """There is no such token."""


class TokenIssuedBefore(TokenError):
    """The same was asked for before, so nothing was issued.

    Attributes:
        token: What was issued then.
    """

    def __init__(self, token: TokenInfo) -> None:
        super().__init__(f'"{token.name}" was issued by this before, and shown then; ask anew.')
        self.token = token


class TokenIdentity(Struct, frozen=True):
    """Whom a valid token stands for.

    Attributes:
        id: The token's id.
        organization_id: The organization that it belongs to.
        prefix: How it begins, for logs.
    """

    id: str
    organization_id: str
    prefix: str


class _Known(Struct, frozen=True):
    """What never changes of a token that was live, and when that was looked up."""

    identity: TokenIdentity
    at: int


class IssuedToken(Struct, frozen=True, kw_only=True):
    """A new token; the only place where its plaintext is. Times are Unix milliseconds."""

    id: str
    object: str = "scim_token"
    organization_id: str
    name: str
    prefix: str
    token: str
    created_at: int
    revoked_at: int | None = None
    expires_at: int | None = None


class TokenInfo(Struct, frozen=True, kw_only=True):
    """A token as it is listed, without its plaintext. Times are Unix milliseconds.

    Attributes:
        refused_at: When a directory last sent it although it was revoked or had expired.
    """

    id: str
    object: str = "scim_token"
    organization_id: str
    name: str
    prefix: str
    created_at: int
    last_used_at: int | None = None
    revoked_at: int | None = None
    expires_at: int | None = None
    refused_at: int | None = None


def mint() -> str:
    """Return a new token: a prefix, 256 random bits and a checksum, 54 characters in all.

    The form is ``scim_[0-9A-Za-z]{49}``, so that scanners for secrets can find it.
    """
    secret = _base62(int.from_bytes(secrets.token_bytes(32), "big"), _SECRET_LENGTH)
    return f"{TOKEN_PREFIX}{secret}{_checksum(secret)}"


def is_well_formed(token: str) -> bool:
    """Return whether a text can be a token at all: a typing error costs no look-up."""
    if len(token) != _LENGTH or not token.startswith(TOKEN_PREFIX) or not token.isascii():
        return False
    return _checksum(token[len(TOKEN_PREFIX) : -_CHECKSUM_LENGTH]) == token[-_CHECKSUM_LENGTH:]


def digest(token: str) -> bytes:
    """Return what is stored of a token, and looked up: its SHA-256."""
    return hashlib.sha256(token.encode()).digest()


def _checksum(secret: str) -> str:
    return _base62(zlib.crc32(secret.encode()), _CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    pairs = []
    for _ in range(0, length, 2):
        number, rest = divmod(number, len(_PAIRS))
        pairs.append(_PAIRS[rest])
    return "".join(reversed(pairs))[-length:]


class Tokens:
    """Issues, lists, revokes and verifies tokens.

    Args:
        store: Where their digests are kept.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[bytes, _Known] = {}
        self._touches: set[asyncio.Task[None]] = set()

    async def issue(
        self,
        organization_id: str,
        *,
        name: str,
        expires_at: int | None = None,
        nonce: str | None = None,
        by: By | str = "",
    ) -> IssuedToken:
        """Issue a token for an organization; several may be live at once.

        Args:
            organization_id: The organization, 1 to 255 characters.
            name: What it is for, 1 to 100 characters.
            expires_at: When it ends, in Unix milliseconds; None for never.
            nonce: A random text, 1 to 100 characters. Asking again with the same one, in any
                process, issues nothing.
            by: Who does it, for the audit.

        Raises:
            TokenIssuedBefore: One was issued with this nonce.
            TokenError: An argument is out of its bounds.
        """
        at = now()
        _check("The organization", organization_id, _MAX_ORGANIZATION)
        _check_name(name)
        if nonce is not None:
            _check("The nonce", nonce, _MAX_NAME)
        if expires_at is not None:
            _check_end(expires_at, at)
        token = mint()
        record = TokenRecord(
            id=f"scimtok_{uuid7().replace('-', '')}",
            organization_id=organization_id,
            name=name,
            prefix=token[:_SHOWN],
            digest=digest(token),
            created_at=at,
            expires_at=expires_at,
            nonce=nonce,
        )

        def work(tx: Transaction) -> None:
            before = nonce and tx.tokens.by_nonce(organization_id, nonce)
            if before:
                raise TokenIssuedBefore(_info(before))
            tx.tokens.insert(record)
            tx.log.insert(_audited(record, "token-issued", by))

        await self._store.write(work)
        return IssuedToken(token=token, **_shown(record))

    async def list(self, organization_id: str) -> list[TokenInfo]:
        """Return the tokens of an organization, revoked ones too, newest first."""
        records = await self._store.read(lambda tx: tx.tokens.list(organization_id))
        return [_info(record) for record in records]

    async def revoke(
        self, token_id: str, *, organization_id: str | None = None, by: By | str = ""
    ) -> TokenInfo:
        """Revoke a token; it is refused from now on, in every process. Again is fine.

        Args:
            token_id: The token's id.
            organization_id: The organization that it has to belong to; None for any.
            by: Who does it, for the audit.

        Raises:
            TokenUnknown: There is no token with this id.
        """

        def work(tx: Transaction) -> TokenRecord | None:
            record = tx.tokens.by_id(token_id)
            if record is None or organization_id not in (None, record.organization_id):
                return None
            if record.revoked_at is None:
                tx.tokens.revoke(token_id, now())
                tx.log.insert(_audited(record, "token-revoked", by))
            return tx.tokens.by_id(token_id)

        record = await self._store.write(work)
        if record is None:
            msg = f'There is no token with the id "{token_id[:64]}"; `token list` shows them.'
            raise TokenUnknown(msg)
        return _info(record)

    async def verify(self, token: str) -> TokenIdentity | None:
        """Return whom a token stands for, or None when it is unknown, revoked or expired.

        Whether it is live is looked up each time, so that a revocation in another process holds at
        once; of one that was live within the last minute, that is all that is read.
        One look-up by digest answers for all others, so that the time tells nothing.
        """
        if len(token) != _LENGTH or not token.isascii():
            return None
        wanted, at = digest(token), now()
        known = self._known.get(wanted)
        if known is not None and abs(at - known.at) <= _TOUCH_AGAIN:
            if await self._store.read(
                lambda tx: tx.tokens.is_live(wanted, at), brief=True, single=True, fresh=False
            ):
                return known.identity
            self._known.pop(wanted, None)
            return None
        return await self._look_up(wanted, at) if is_well_formed(token) else None

    async def _look_up(self, wanted: bytes, at: int) -> TokenIdentity | None:
        """Look a token up by its digest, note that it is used, and remember it."""
        self._known.pop(wanted, None)
        record = await self._store.read(
            lambda tx: tx.tokens.live(wanted, at), brief=True, single=True, fresh=False
        )
        if record is None:
            return None
        if abs(at - (record.last_used_at or 0)) > _TOUCH_AGAIN:
            self._touch(record.id, at)
        identity = TokenIdentity(record.id, record.organization_id, record.prefix)
        if len(self._known) >= _MOST_KNOWN:
            del self._known[next(iter(self._known))]
        self._known[wanted] = _Known(identity, at)
        return identity

    def _touch(self, token_id: str, at: int) -> None:
        """Note the use, without letting the request wait for it."""
        if len(self._touches) < 100:
            task = asyncio.create_task(self._write_touch(token_id, at))
            self._touches.add(task)
            task.add_done_callback(self._touches.discard)

    async def _write_touch(self, token_id: str, at: int) -> None:
        try:
            await self._store.write(
                lambda tx: tx.tokens.touch(token_id, at), durable=False, brief=True
            )
        except StoreError as error:
            logger.warning("The use of a token could not be noted: %s", error)

    async def close(self) -> None:
        """Wait for the notes that are still being written."""
        while self._touches:
            await asyncio.wait(self._touches)


def _audited(record: TokenRecord, action: AuditAction, by: By | str) -> LogRecord:
    detail = f"{record.name} ({record.prefix}…, {record.id})"
    return audit_row(record.organization_id, action, by, detail)


def _info(record: TokenRecord) -> TokenInfo:
    return TokenInfo(
        last_used_at=record.last_used_at, refused_at=record.refused_at, **_shown(record)
    )


def _shown(record: TokenRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "organization_id": record.organization_id,
        "name": record.name,
        "prefix": record.prefix,
        "created_at": record.created_at,
        "revoked_at": record.revoked_at,
        "expires_at": record.expires_at,
    }


def _check(what: str, text: str, longest: int) -> None:
    if not text.strip() or len(text) > longest or "\x00" in text:
        msg = f"{what} has to have 1 to {longest} characters."
        raise TokenError(msg)


def _check_name(name: str) -> None:
    if _UNPRINTABLE.search(name):
        msg = "The token's name holds a control character, such as a line break; leave it out."
        raise TokenError(msg)
    _check("The token's name", name, _MAX_NAME)
    if shown(name, _MAX_NAME) != name:
        msg = "The token's name holds a token; names are shown to everybody who may look."
        raise TokenError(msg)


def _check_end(expires_at: int, at: int) -> None:
    if expires_at <= at:
        msg = "The token would have expired already; choose a time that is still to come."
        raise TokenError(msg)
    if expires_at > LAST:
        msg = "The token would end after the year 9999; one without an end never does."
        raise TokenError(msg)
