"""Entra's cycle is sent up to a time, and what was sent of it is known."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.cycle import CONNECTIONS, Replay
from benchmarks.people import Api
from benchmarks.recording import Sent
from benchmarks.servers import serving

SENT = Sent("GET", [b"/Users"], [b""], 200, None)


@pytest.fixture
def replay() -> Iterator[Replay]:
    """What sends to an application that answers everything."""
    with serving("benchmarks.bare:create") as server:
        sending = Replay(server, Api("", "x"), 0)
        yield sending
        sending.close()


def test_a_sequence_that_takes_too_long_is_left_in_its_middle(replay: Replay) -> None:
    sequences = [[SENT] * 1_000_000 for _ in range(CONNECTIONS + 1)]
    begun = replay.send(sequences, 0.05)
    assert all(0 < len(each) < 1_000_000 for each in begun[:CONNECTIONS])
    assert [] == begun[CONNECTIONS]
    assert len(replay.times) == sum(map(len, begun))
    assert 0.05 <= replay.seconds < 5


def test_what_was_sent_of_it_and_the_rest_are_the_whole(replay: Replay) -> None:
    assert [[SENT] * 3, [SENT]] == replay.send([[SENT] * 3, [SENT]])
    assert [[]] == replay.send([[SENT]], 0)
    assert len(replay.times) == 4
    assert not replay.differing
