"""What the page calls things, for people who run a directory and not this server."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup, escape
from msgspec import Struct

from scim_asgi.provisioning.clock import now
from scim_asgi.provisioning.log_entries import LogEntry, MembersChange
from scim_asgi.store.records import HeldChange

_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000


class Said(Struct, frozen=True):
    """A state or an outcome in words.

    Attributes:
        label: Its name.
        tone: good, bad, warning or quiet; never the only thing that tells it.
        text: What it means.
    """

    label: str
    tone: str = "quiet"
    text: str = ""


STATES = {
    "not_connected": Said(
        "Not connected", "quiet", "No directory can reach this organization yet."
    ),
    "waiting": Said(
        "Waiting for the first request",
        "warning",
        "There is a token, and the directory has not used it yet.",
    ),
    "connected": Said("Connected", "good", "Your directory is sending people and groups."),
    "failing": Said(
        "Failing",
        "bad",
        "Requests arrive, and at least half of the latest ones were refused or failed.",
    ),
    "held": Said(
        "Deactivations are held",
        "warning",
        "Unusually many people were to lose access at once, so nothing was changed for them.",
    ),
}

ACTIONS = {
    "created": Said("Created", "good", "The account was created."),
    "updated": Said("Updated", "good", "The account was changed."),
    "reactivated": Said("Reactivated", "good", "The account was opened again."),
    "deactivated": Said("Deactivated", "good", "The account was closed."),
    "deleted": Said("Deleted", "good", "The person or the group was deleted."),
    "unchanged": Said("Nothing to change", "quiet", "Everything was as sent already."),
    "skipped": Said("Skipped", "warning", "No account was made of this person."),
    "refused": Said("Refused", "bad", "The request could not be accepted."),
    "failed": Said("Failed", "bad", "The product could not carry the change out."),
    "held": Said("Held", "warning", "Held until somebody has looked at it."),
    "rate-limited": Said("Too many requests", "warning", "The directory was asked to slow down."),
    "warning": Said("Warning", "warning", "Something to look at."),
    "pending": Said("Under way", "quiet", "The product is being asked."),
    "token-issued": Said("Token issued", "quiet", "Somebody issued a token."),
    "token-revoked": Said("Token revoked", "quiet", "Somebody revoked a token."),
    "mapping-changed": Said("Mapping changed", "quiet", "Somebody changed the attribute mapping."),
    "roles-changed": Said("Roles changed", "quiet", "Somebody changed the role rules."),
    "released": Said("Released", "quiet", "Somebody released what was held."),
    "reconciled": Said("Delivered again", "quiet", "Somebody had everything delivered again."),
}

DIRECTORIES = {
    "entra": "Microsoft Entra ID",
    "okta": "Okta",
    "google": "Google Workspace",
    "rippling": "Rippling",
    "onelogin": "OneLogin",
    "jumpcloud": "JumpCloud",
    "ping": "Ping Identity",
    "authentik": "authentik",
    "keycloak": "Keycloak",
    "cyberark": "CyberArk Identity",
    "sailpoint": "SailPoint",
}

DONE = {
    "revoked": "The token is revoked. It is refused from now on.",
    "mapping": "The attribute mapping is saved. Accounts are being brought in line.",
    "restored": "The earlier version is in force again. Accounts are being brought in line.",
    "roles": "The role rules are saved. Accounts are being brought in line.",
    "released": "Released. What waits here is done now; the rest when the directory repeats it.",
}
"""What is said after a form, by the name that the address carries."""


def state_said(state: str) -> Said:
    """Return a connection's state in words."""
    return STATES.get(state, Said(state))


def action_said(action: str) -> Said:
    """Return an outcome of the log in words."""
    return ACTIONS.get(action, Said(action.replace("-", " ").capitalize() or "Under way"))


def row_said(row: LogEntry) -> str:
    """Return in one sentence what a row of the log says."""
    if row.detail or row.notes:
        return row.detail or "; ".join(row.notes)
    text = action_said(row.action).text
    if row.resource_type == "Group":
        parts = [*row.attributes, *([members_said(row.members)] if row.members else [])]
        text = text.replace("The account was", "The group was")
        return f"{text.rstrip('.')}: {', '.join(parts)}." if parts else text
    fields = ", ".join(row.changes)
    if row.action == "updated" and not fields:
        paths = ", ".join(row.attributes)
        return f"Changed in the directory alone: {paths}." if paths else text
    return f"{text.rstrip('.')}: {fields}." if row.action == "updated" else text


def members_said(change: MembersChange) -> str:
    """Return how many members came and went."""
    came, went = change.added_count, change.removed_count
    parts = (
        f"{plural(came, 'member')} came" if came else "",
        f"{plural(went, 'member')} went" if went else "",
    )
    return ", ".join(each for each in parts if each)


def directory_said(name: str | None) -> str:
    """Return a directory's name as its maker writes it."""
    return DIRECTORIES.get(name or "", "An unknown directory")


def time_said(at: int | None, empty: str = "never") -> Markup:
    """Return a time as an element; the script shows it in the reader's own zone."""
    if at is None:
        return escape(empty)
    moment = datetime.fromtimestamp(at / 1000, UTC)
    machine = moment.isoformat(timespec="seconds").replace("+00:00", "Z")
    text = f"{moment.day} {moment:%b %Y, %H:%M} UTC"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(machine, text, text)


def date_said(at: int | None, empty: str = "never") -> Markup:
    """Return the day of a time as an element."""
    if at is None:
        return escape(empty)
    moment = datetime.fromtimestamp(at / 1000, UTC)
    text = f"{moment.day} {moment:%b %Y}"
    return Markup('<time datetime="{}" data-day>{}</time>').format(f"{moment:%Y-%m-%d}", text)


def ago_said(at: int) -> str:
    """Return how long ago a time was, in the coarsest unit that says enough."""
    passed = max(0, now() - at)
    for unit, length in (("day", _DAY), ("hour", _HOUR), ("minute", _MINUTE)):
        count = passed // length
        if count:
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"


def value_said(value: Any) -> str:
    """Return a value as people read it."""
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def flat(changes: Mapping[str, Sequence[Any]]) -> list[tuple[str, tuple[Any, Any]]]:
    """Return changes of fields, those of objects by their keys."""
    found: list[tuple[str, tuple[Any, Any]]] = []
    for field, (old, new) in changes.items():
        if not (isinstance(old, dict | None) and isinstance(new, dict | None) and (old or new)):
            found.append((field, (old, new)))
            continue
        before, after = old or {}, new or {}
        found += [
            (f"{field}.{key}", (before.get(key), after.get(key)))
            for key in dict.fromkeys([*before, *after])
            if before.get(key) != after.get(key)
        ]
    return found


def json_said(value: Any) -> str:
    """Return a value as JSON for people."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def bold(text: str) -> Markup:
    """Return a text with what stands between two asterisks, twice, in bold."""
    parts = text.split("**")
    return Markup("").join(
        Markup("<strong>{}</strong>").format(part) if index % 2 else escape(part)
        for index, part in enumerate(parts)
    )


def plural(count: int, one: str, many: str = "") -> str:
    """Return a count with its noun."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def held_said(changes: Mapping[HeldChange, int]) -> str:
    """Return what is held, with how many of each."""
    deactivations = changes.get("deactivation", 0) + changes.get("mapping", 0)
    deletions = changes.get("deletion", 0)
    parts = [plural(deactivations, "deactivation")] if deactivations else []
    return " and ".join([*parts, plural(deletions, "deletion")] if deletions else parts)


FILTERS: dict[str, Callable[..., Any]] = {
    "action_said": action_said,
    "ago": ago_said,
    "bold": bold,
    "date": date_said,
    "directory": directory_said,
    "flat": flat,
    "held_said": held_said,
    "plural": plural,
    "pretty": json_said,
    "row_said": row_said,
    "said": value_said,
    "state_said": state_said,
    "time": time_said,
}
