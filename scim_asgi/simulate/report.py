"""What a simulation found out."""

from __future__ import annotations

from msgspec import Struct, field

from scim_asgi.remote import shown, without_token

_LONGEST = 2_000


class Refused(Struct, frozen=True):
    """An answer other than 2xx, or none at all.

    Attributes:
        request: Method and path.
        status: The HTTP status; 0 where there was no answer.
        detail: What the server said, or what became of the connection.
        expected: Whether the product expects it, as a 404 behind a DELETE.
    """

    request: str
    status: int
    detail: str
    expected: bool


class Report(Struct, kw_only=True):
    """What a simulation did, and what came of it.

    Attributes:
        directory: Which product was simulated.
        mode: In which of its modes.
        seed: The seed of all chance.
        cycles: How many cycles were run, those that only repeated what had failed included.
        users: How many users the directory has at the server at the end.
        groups: How many groups.
        requests: How many requests the product sent.
        seconds: How long it took.
        differences: How the server differs from the directory, in words.
        failures: What the product would have counted as a failure, in words.
        refused: Every answer that was not 2xx.
    """

    directory: str
    mode: str
    seed: int
    cycles: int = 0
    users: int = 0
    groups: int = 0
    requests: int = 0
    seconds: float = 0.0
    differences: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether the server holds exactly what the directory does."""
        return not self.differences

    def make_harmless(self, token: str | None) -> None:
        """Take out of all texts what must not be printed: the token, and control characters."""

        def harmless(text: str) -> str:
            return without_token(shown(without_token(text, token), _LONGEST), token)

        self.differences = [harmless(each) for each in self.differences]
        self.failures = [harmless(each) for each in self.failures]
        self.refused = [
            Refused(harmless(each.request), each.status, harmless(each.detail), each.expected)
            for each in self.refused
        ]
