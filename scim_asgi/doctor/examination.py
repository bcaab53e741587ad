"""What the checks share: the client, the answers to compare with, and what was found so far."""

from __future__ import annotations

from scim_asgi.doctor.answers import Answer
from scim_asgi.doctor.catalogue import CHECKS
from scim_asgi.doctor.client import Client
from scim_asgi.doctor.findings import Finding, Level
from scim_asgi.remote import BaseUrl, without_token

FIRST_PATH = "/Users?startIndex=1&count=2"
"""What is asked for first; nothing in it is special to one directory."""


class Examination:
    """One deployment under examination.

    Args:
        base: The base URL.
        token: The token, None to look only at what can be seen without.
        timeout: Seconds that one request may take.
        per_second: How many requests a second are sent at most.
    """

    def __init__(
        self, base: BaseUrl, token: str | None, *, timeout: float, per_second: float
    ) -> None:
        self.base = base
        self.token = token
        self.timeout = timeout
        self.client = Client(base, token, timeout=timeout, per_second=per_second)
        self.first = Answer(url="")
        self.nobody = Answer(url="")
        self.page = Answer(url="")
        self.findings: dict[str, Finding] = {}

    def ok(self, check: str, seen: str) -> None:
        """Note that a check is well."""
        self._note(check, Level.OK, seen)

    def skip(self, check: str, seen: str) -> None:
        """Note that there was nothing to judge by."""
        self._note(check, Level.SKIPPED, seen)

    def warn(self, check: str, seen: str, advice: str, directories: tuple[str, ...] = ()) -> None:
        """Note what may fail."""
        self._note(check, Level.WARNING, seen, advice, directories)

    def fail(
        self,
        check: str,
        seen: str,
        advice: str,
        directories: tuple[str, ...] = (),
        *,
        causes: tuple[str, ...] = (),
    ) -> None:
        """Note what will fail."""
        self._note(check, Level.FAILURE, seen, advice, directories, causes)

    def failed(self, check: str) -> bool:
        """Return whether a check has failed."""
        found = self.findings.get(check)
        return found is not None and found.level is Level.FAILURE

    def _note(
        self,
        check: str,
        level: Level,
        seen: str,
        advice: str = "",
        directories: tuple[str, ...] = (),
        causes: tuple[str, ...] = (),
    ) -> None:
        """Keep a finding; an earlier one of the same check that is as bad or worse stays."""
        before = self.findings.get(check)
        order = list(Level)
        if before is not None and order.index(before.level) >= order.index(level):
            return
        self.findings[check] = Finding(
            id=check,
            title=CHECKS[check].title,
            level=level,
            directories=directories or CHECKS[check].directories,
            seen=without_token(seen, self.token),
            advice=without_token(advice, self.token),
            causes=causes,
        )
