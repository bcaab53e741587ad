"""What the doctor finds, as values."""

from __future__ import annotations

import enum

from msgspec import Struct, structs

from scim_asgi.doctor.catalogue import CHECKS, DIRECTORIES


class Level(enum.StrEnum):
    """How bad it is."""

    OK = "ok"
    SKIPPED = "skipped"
    WARNING = "warning"
    FAILURE = "failure"


class Finding(Struct, frozen=True, kw_only=True):
    """What one check found.

    Attributes:
        id: The check.
        title: The check in words.
        level: How bad it is; ``skipped`` when there was nothing to judge by.
        directories: The directories that are concerned.
        seen: What was seen; never the token.
        advice: What to do; empty when nothing is to be done.
        causes: Other failures that this one comes from.
    """

    id: str
    title: str
    level: Level
    directories: tuple[str, ...]
    seen: str
    advice: str = ""
    causes: tuple[str, ...] = ()

    @property
    def group(self) -> str:
        """The heading under which it is shown."""
        return CHECKS[self.id].group


class Report(Struct, frozen=True, kw_only=True):
    """Everything that was found.

    Attributes:
        url: The base URL.
        with_token: Whether there was a token to ask with.
        complete: Whether all checks were run; without, a failure kept the rest from being seen.
        requests: How many requests were sent.
        findings: What each check found.
    """

    url: str
    with_token: bool
    complete: bool
    requests: int
    findings: tuple[Finding, ...]

    @property
    def failures(self) -> tuple[Finding, ...]:
        """The findings that are failures."""
        return tuple(each for each in self.findings if each.level is Level.FAILURE)

    def limited_to(self, directories: tuple[str, ...]) -> Report:
        """Return the report with only what concerns some directories; () means all."""
        wanted = set(directories or DIRECTORIES)
        kept = tuple(
            structs.replace(
                each, directories=tuple(name for name in each.directories if name in wanted)
            )
            for each in self.findings
            if wanted & set(each.directories)
        )
        return structs.replace(self, findings=kept)
