"""Identifiers: unlike each other in every thread and process, in the order of time."""

from __future__ import annotations

import os
import re
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from scim_asgi.ids import made_at, uuid7

MANY = 5_000


def test_they_are_uuids_of_version_7_in_canonical_form() -> None:
    for text in (uuid7() for _ in range(MANY)):
        parsed = uuid.UUID(text)
        assert (text, uuid.RFC_4122, 7) == (str(parsed), parsed.variant, parsed.version)


def test_they_are_in_the_order_of_the_milliseconds_in_which_they_were_made() -> None:
    made = [made_at(uuid7()) for _ in range(MANY)]
    assert sorted(made) == made


def test_their_random_parts_have_nothing_in_common() -> None:
    digits = [re.sub("-", "", uuid7())[13:] for _ in range(MANY)]
    for place in set(range(19)) - {3}:
        assert 16 == len({text[place] for text in digits})
    assert {"8", "9", "a", "b"} == {text[3] for text in digits}


def test_threads_never_get_the_same() -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: [uuid7() for _ in range(MANY)], range(8)))
    assert 8 * MANY == len({each for some in made for each in some})


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_process_does_not_make_the_ids_of_its_parent() -> None:
    uuid7()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, "".join(uuid7() for _ in range(100)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        theirs = pipe.read()
    os.waitpid(child, 0)
    ours = {uuid7()[14:] for _ in range(300)}
    assert 3600 == len(theirs)
    assert ours.isdisjoint(theirs[start + 14 : start + 36] for start in range(0, 3600, 36))
