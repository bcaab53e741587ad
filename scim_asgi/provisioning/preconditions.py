"""If-Match and If-None-Match (RFC 7644 section 3.14, RFC 9110 section 13)."""

from __future__ import annotations

from msgspec import Struct

from scim_asgi.protocol.errors import PreconditionFailed


class Preconditions(Struct, frozen=True):
    """The entity tags of a request; None where it has no such header."""

    if_match: tuple[str, ...] | None = None
    if_none_match: tuple[str, ...] | None = None

    def check(self, tag: str) -> None:
        """Check the tags of a write against the resource's; weak tags compare equal.

        Raises:
            PreconditionFailed: It may not go on.
        """
        if self.if_match is not None and not matches(self.if_match, tag):
            msg = f"The resource has changed since it was read: its version is now {tag}."
            raise PreconditionFailed(msg)
        if self.if_none_match is not None and matches(self.if_none_match, tag):
            msg = f"The resource is there already, with the version {tag}."
            raise PreconditionFailed(msg)

    def is_fresh(self, tag: str) -> bool:
        """Return whether a reader has this version already (304)."""
        return self.if_none_match is not None and matches(self.if_none_match, tag)


def matches(tags: tuple[str, ...], tag: str) -> bool:
    """Compare weakly (RFC 9110 section 8.8.3.2); ``*`` matches everything.

    Servers give out weak tags only, and RFC 7644 has clients send them in If-Match.
    """
    bare = tag.removeprefix("W/")
    return any(each == "*" or each.removeprefix("W/") == bare for each in tags)


def read_tags(header: str | None) -> tuple[str, ...] | None:
    """Return the tags of an If-Match or If-None-Match header."""
    if header is None:
        return None
    return tuple(tag.strip() for tag in header.split(",") if tag.strip())
