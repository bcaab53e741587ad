"""Many clients change the same resources at once: nothing is lost and nobody gets an error."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import httpx
import pytest

from scim_asgi.ids import uuid7
from tests.client import PATCH_OP, USER, Client
from tests.conftest import issue_token
from tests.torture.processes import rows, running

CLIENTS = 64

Work = Callable[[httpx.Client, str, int], Any]


class Crowd:
    """Clients that begin at the same instant, spread over one process or two on the same file."""

    def __init__(self, folder: Path, urls: list[str], token: str) -> None:
        self.folder = folder
        self.client = Client(urls[0], token)
        self._urls = urls
        self._http = httpx.Client(
            headers=self.client.headers, timeout=60, limits=httpx.Limits(max_connections=CLIENTS)
        )

    def work(self, work: Work, clients: int = CLIENTS) -> list[Any]:
        """Let each client do something, and return what they did."""
        barrier = Barrier(clients)

        def one(number: int) -> Any:
            barrier.wait()
            return work(self._http, self._urls[number % len(self._urls)], number)

        with ThreadPoolExecutor(clients) as pool:
            return list(pool.map(one, range(clients)))

    def close(self) -> None:
        """Close the connections."""
        self.client.close()
        self._http.close()

    def told(self, name: str) -> list[tuple[Any, ...]]:
        """Return what the host was told of a person: content, begin and end of each call."""
        query = (
            "SELECT content, began, ended FROM deliveries "
            "WHERE content ->> '$.email_address' = ? ORDER BY began"
        )
        return rows(self.folder / "host.db", query, name)


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[str]]]:
    folder = tmp_path_factory.mktemp("contention")
    with running(folder, pause=0.003) as one, running(folder, pause=0.003) as other:
        yield folder, [one.base_url, other.base_url]


@pytest.fixture(params=[1, 2], ids=["one process", "two processes"])
def crowd(processes: tuple[Path, list[str]], request: pytest.FixtureRequest) -> Iterator[Crowd]:
    folder, urls = processes
    crowd = Crowd(folder, urls[: request.param], issue_token(folder / "scim.db", uuid7()))
    yield crowd
    crowd.close()


def _patch(http: httpx.Client, url: str, *operations: dict[str, Any], **headers: str) -> Any:
    body = {"schemas": [PATCH_OP], "Operations": list(operations)}
    return http.patch(url, json=body, headers=headers)


def _version(etag: str) -> int:
    return int(etag[3:-1].partition(".")[0])


def test_no_change_of_one_user_is_lost(crowd: Crowd) -> None:
    name = f"{uuid7()}@acme.test"
    path = f"/Users/{crowd.client.create_user(name)['id']}"

    def work(http: httpx.Client, url: str, number: int) -> tuple[int, str]:
        address = {"type": f"t{number}", "value": f"a{number}@acme.test"}
        email = {"op": "add", "path": "emails", "value": [address]}
        family = {"op": "replace", "path": "name.familyName", "value": f"N{number}"}
        answer = _patch(http, f"{url}{path}", email, family)
        return answer.status_code, answer.headers.get("etag", "")

    answers = crowd.work(work)
    assert {200} == {status for status, _ in answers}
    user = crowd.client.get(path).json()
    assert {f"a{number}@acme.test" for number in range(CLIENTS)} == {
        each["value"] for each in user["emails"]
    }
    versions = sorted(_version(etag) for _, etag in answers)
    assert list(range(2, CLIENTS + 2)) == versions
    told = crowd.told(name)
    assert CLIENTS + 1 == len(told)
    assert user["name"]["familyName"] == json.loads(told[-1][0])["last_name"]
    assert all(ended <= began for (*_, ended), (_, began, _) in itertools.pairwise(told))


def test_an_entity_tag_lets_exactly_one_change_through(crowd: Crowd) -> None:
    user = crowd.client.create_user("ada@acme.test")
    path, tag = f"/Users/{user['id']}", user["meta"]["version"]

    def work(http: httpx.Client, url: str, number: int) -> int:
        name = {"op": "replace", "path": "name.familyName", "value": f"N{number}"}
        headers = {"If-Match": tag}
        return int(_patch(http, f"{url}{path}", name, **headers).status_code)

    assert {200: 1, 412: CLIENTS - 1} == Counter(crowd.work(work))


def test_changes_that_begin_again_after_a_412_all_get_through(crowd: Crowd) -> None:
    path = f"/Users/{crowd.client.create_user('ada@acme.test', title='0')['id']}"

    def work(http: httpx.Client, url: str, number: int) -> list[int]:
        statuses: list[int] = []
        while 200 not in statuses:
            found = http.get(f"{url}{path}")
            title = {"op": "replace", "path": "title", "value": str(int(found.json()["title"]) + 1)}
            headers = {"If-Match": found.headers["etag"]}
            statuses.append(_patch(http, f"{url}{path}", title, **headers).status_code)
        return statuses

    answers = crowd.work(work, 16)
    assert {200, 412} >= {status for statuses in answers for status in statuses}
    assert "16" == crowd.client.get(path).json()["title"]


def test_no_member_of_one_group_is_lost(crowd: Crowd) -> None:
    users = [crowd.client.create_user(f"u{number}@acme.test")["id"] for number in range(CLIENTS)]
    path = f"/Groups/{crowd.client.create_group('everybody')['id']}"

    def work(http: httpx.Client, url: str, number: int) -> tuple[int, str]:
        member = [{"value": users[number]}]
        answer = _patch(http, f"{url}{path}", {"op": "add", "path": "members", "value": member})
        return answer.status_code, answer.headers.get("etag", "")

    answers = crowd.work(work)
    assert {204} == {status for status, _ in answers}
    group = crowd.client.get(path).json()
    assert set(users) == {each["value"] for each in group["members"]}
    versions = sorted(_version(etag) for _, etag in answers)
    assert list(range(2, CLIENTS + 2)) == versions


def test_one_of_many_creates_of_the_same_name_succeeds(crowd: Crowd) -> None:
    name = f"{uuid7()}@acme.test"

    def work(http: httpx.Client, url: str, _: int) -> int:
        return http.post(f"{url}/Users", json={"schemas": [USER], "userName": name}).status_code

    assert {201: 1, 409: CLIENTS - 1} == Counter(crowd.work(work))
    assert 1 == len(crowd.told(name))
