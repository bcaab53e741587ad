"""Whatever comes is answered: no endpoint fails on random bytes, JSON and query strings."""

from __future__ import annotations

import http.client
import json
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes, urlsplit

from tests.client import ENTERPRISE, GROUP, PATCH_OP, SEARCH, USER, Client
from tests.commands import command_here, served

SECONDS = float(os.environ.get("FUZZ_SECONDS", "60"))
DEVICE = Path(__file__).parent / "device.json"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
FILTERS = [
    'userName eq "ada"',
    'emails[type eq "work" and value co "x"].value pr',
    f'{ENTERPRISE}:manager.value eq "1" or not (title pr)',
    'meta.created gt "2026-01-01T00:00:00Z"',
    "rank ge 1.5e3",
    'members[value eq "x"]',
]
BODIES: list[dict[str, Any]] = [
    {
        "schemas": [USER],
        "userName": "ada",
        "active": "True",
        "name": {"givenName": "A"},
        "emails": [{"value": "a@x", "type": "work", "primary": True}],
        "password": "p",
        ENTERPRISE: {"manager": {"value": "1"}},
    },
    {"schemas": [GROUP], "displayName": "g", "members": [{"value": "1"}]},
    {
        "schemas": [PATCH_OP],
        "Operations": [
            {"op": "add", "path": 'emails[type eq "work"].value', "value": "x"},
            {"op": "replace", "value": {"name.givenName": "B", "active": False}},
            {"op": "remove", "path": "members", "value": [{"value": "1"}]},
        ],
    },
    {"schemas": [SEARCH], "filter": 'title eq "x"', "count": 3, "cursor": "", "sortBy": "title"},
    {
        "schemas": [BULK],
        "failOnErrors": 2,
        "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": "a", "data": {"schemas": [USER]}},
            {"method": "DELETE", "path": "/Users/bulkId:a"},
        ],
    },
    {
        "schemas": ["urn:example:params:scim:schemas:test:2.0:Device"],
        "label": "l",
        "rank": 1,
        "weight": 1.5,
        "seenAt": "2026-01-31T10:00:00Z",
        "blob": "aGVsbG8=",
        "ports": [{"name": "p", "number": 1}],
        "urn:example:params:scim:schemas:test:2.0:DeviceExt": {"zone": "z"},
    },
]
ODD: list[Any] = [
    None, True, False, 0, -1, 1e308, 2**63, 2**64, -(2**70), 1.5, "", "\x00", "\ud800", "a" * 3000,
    "é" * 50, "\u202e", [], {}, [[]], [{}], {"value": {}}, {"$ref": 1}, [None], "urn:", USER, "bulkId:a",
    "bulkId:", '"', "\\", "%", "emails[", 'x[y eq "z"].w', "9999-12-31T23:59:60Z",
    "0000-00-00T00:00:00Z", "2026-01-31T10:00:00+99:99",
]  # fmt: skip


class Fuzzer:
    """Sends requests that nobody should send, each from a number that repeats it."""

    def __init__(self, url: str, token: str, ids: list[str]) -> None:
        self._address = urlsplit(url)
        self._token = token
        self._ids = ids

    def run(self, seed: int, until: float) -> tuple[int, list[str]]:
        """Send requests for a while; return how many, and which were answered 5xx or not at all."""
        random_ = random.Random(seed)
        connection = http.client.HTTPConnection(self._address.netloc, timeout=30)
        sent, failures = 0, []
        while time.monotonic() < until:
            method, target, headers, body = self._request(random_)
            connection.request(method, self._address.path + target, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            sent += 1
            if answer.status >= 500 and answer.status != 501:
                failures.append(f"{answer.status} {method} {target} {body!r} {content!r}")
        connection.close()
        return sent, failures

    def _request(self, random_: random.Random) -> tuple[str, str, dict[str, str], bytes]:
        headers = {"Authorization": f"Bearer {self._token}"}
        if random_.random() < 0.2:
            name = random_.choice(["If-Match", "If-None-Match", "Accept", "Content-Type"])
            headers[name] = random_.choice(
                ['W/"1"', "*", '"', "text/html", "application/json", ","]
            )
        if random_.random() < 0.02:
            headers["Authorization"] = random_.choice(["Bearer", "x", "Bearer " + "a" * 54])
        method = random_.choice(METHODS)
        return method, self._target(random_), headers, self._body(random_)

    def _target(self, random_: random.Random) -> str:
        endpoint = random_.choice(["/Users", "/Groups", "/Devices", "", "/Schemas", "/Bulk", "/Me"])
        if random_.random() < 0.5:
            tail = random_.choice([*self._ids, ".search", "none", "%00", "%FF", "..", "bulkId:a"])
            endpoint += f"/{tail}"
        if random_.random() < 0.1:
            endpoint += "/" + quote_from_bytes(random_.randbytes(random_.randrange(20)))
        return endpoint + self._query(random_) if endpoint else "/" + self._query(random_)

    def _query(self, random_: random.Random) -> str:
        parameters = []
        for _ in range(random_.choice([0, 0, 1, 2, 4])):
            name = random_.choice(
                [
                    "filter",
                    "attributes",
                    "excludedAttributes",
                    "sortBy",
                    "sortOrder",
                    "startIndex",
                    "count",
                    "cursor",
                    "x",
                ]
            )
            value = random_.choice(
                [
                    mutated(random_, random_.choice(FILTERS)).encode("utf-8", "replace"),
                    random_.randbytes(random_.randrange(30)),
                    str(random_.choice(ODD)).encode("utf-8", "replace")[:200],
                    b"userName",
                ]
            )
            parameters.append(f"{name}={quote_from_bytes(value)}")
        return "?" + "&".join(parameters) if parameters else ""

    def _body(self, random_: random.Random) -> bytes:
        if random_.random() < 0.1:
            return random_.randbytes(random_.randrange(200))
        body = changed(random_, random_.choice(BODIES))
        encoded = json.dumps(body).encode()
        if random_.random() < 0.1:
            at = random_.randrange(len(encoded))
            encoded = encoded[:at] + random_.randbytes(2) + encoded[at + 1 :]
        return encoded


def mutated(random_: random.Random, text: str) -> str:
    """Return a text with some of it gone, doubled or replaced."""
    for _ in range(random_.randrange(4)):
        at = random_.randrange(len(text) + 1)
        piece = random_.choice(["", " ", '"', "(", ")", "[", "]", "not ", " and ", "\\", text[:at]])
        text = text[:at] + piece + text[at + random_.randrange(3) :]
    return text


def changed(random_: random.Random, value: Any) -> Any:
    """Return JSON with some of its values, names and members replaced."""
    if random_.random() < 0.07:
        return random_.choice(ODD)
    if isinstance(value, dict):
        members = {}
        for name, element in value.items():
            if random_.random() < 0.05:
                continue
            key = mutated(random_, name) if random_.random() < 0.03 else name
            members[key] = changed(random_, element)
        if random_.random() < 0.05:
            members[str(random_.choice(ODD))] = random_.choice(ODD)
        return members
    if isinstance(value, list):
        return [changed(random_, element) for element in value] * random_.choice([1, 1, 1, 2])
    return mutated(random_, value) if isinstance(value, str) and random_.random() < 0.1 else value


def test_nothing_that_comes_makes_the_server_fail(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    arguments = ("--rate-limit", "none", "--schemas", str(DEVICE))
    with served(tmp_path, *arguments) as (url, _):
        issued = command_here(tmp_path, "token", "issue", "fuzz", "--name", "fuzz")
        client = Client(url, issued.stdout.split()[-1])
        ids = [client.create_user(f"u{number}")["id"] for number in range(3)]
        ids += [client.create_group("g", *ids)["id"]]
        fuzzer = Fuzzer(url, client.token, ids)
        until = time.monotonic() + SECONDS
        with ThreadPoolExecutor(4) as pool:
            results = list(pool.map(fuzzer.run, range(seed, seed + 4), [until] * 4))
        assert 200 == client.get("/Users").status_code
        client.close()
    failures = [failure for _, some in results for failure in some]
    assert not failures, f"seed {seed}: {failures[:3]}"
    assert sum(sent for sent, _ in results) > 20 * SECONDS
    log = (tmp_path / "serve.log").read_text()
    assert "Traceback" not in log, f"seed {seed}: {log[-3000:]}"
