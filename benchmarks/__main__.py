"""`make bench`: how many requests a second, beside a bare application in the same run.

The servers are processes of their own under uvicorn, the database is a file with durable commits.
Only the last column, the ratio to the bare application, can be compared between machines.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.load import Measured, Target, measure, one
from examples.acme.process import free_port
from scim_asgi.simulate.attributes import CORE_GROUP, CORE_USER, PATCH_OP

HOST = "127.0.0.1"


@contextmanager
def running(*arguments: str, ready: str) -> Iterator[None]:
    """Run a Python module as a server until the context ends.

    Args:
        arguments: The module and its arguments.
        ready: What a line of its output contains once it listens.
    """
    command = [sys.executable, "-m", *arguments]
    process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if ready in line:
                break
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)
        process.stdout.close()


def user(number: int) -> bytes:
    """Return the body of a user."""
    name = f"user{number:07}@bench.test"
    return json.dumps(
        {
            "schemas": [CORE_USER],
            "userName": name,
            "externalId": f"ext-{number}",
            "active": True,
            "name": {"givenName": "Given", "familyName": f"Family{number}"},
            "emails": [{"value": name, "type": "work", "primary": True}],
        }
    ).encode()


def patch(operation: dict[str, object]) -> bytes:
    """Return the body of a PATCH with one operation."""
    return json.dumps({"schemas": [PATCH_OP], "Operations": [operation]}).encode()


async def create(target: Target, path: str, body: bytes) -> str:
    """Create a resource and return its id."""
    status, answer = await one(target, target.request("POST", path, body))
    assert status == 201, answer
    resource_id: str = json.loads(answer)["id"]
    return resource_id


class Report:
    """Measures one thing after the other and prints a line of a table for each.

    Args:
        requests: How many requests each measurement sends.
        connections: Over how many connections.
    """

    def __init__(self, requests: int, connections: int) -> None:
        self._requests = requests
        self._connections = connections
        self._bare = 0.0
        print(f"{requests} requests over {connections} connections\n")
        print(f"{'':32}{'1/s':>9}{'median ms':>11}{'p99 ms':>9}{'of bare':>9}")

    async def line(
        self, title: str, target: Target, make: Callable[[int], bytes], status: int = 200
    ) -> Measured:
        """Measure, and print; the first line is what the others are compared with."""
        found = await measure(
            target, make, status=status, requests=self._requests, connections=self._connections
        )
        self._bare = self._bare or found.rate
        numbers = f"{found.rate:>9,.0f}{found.median:>11.2f}{found.slow:>9.2f}"
        print(f"{title:32}{numbers}{found.rate / self._bare:>9.2f}", flush=True)
        return found


async def scim(report: Report, target: Target, requests: int) -> None:
    """Measure the requests that directories send most."""
    send = target.request
    await report.line("POST /Users", target, lambda n: send("POST", "/Users", user(n)), 201)
    some = [await create(target, "/Users", user(requests + n)) for n in range(100)]
    group = {"schemas": [CORE_GROUP], "displayName": "bench"}
    group_id = await create(target, "/Groups", json.dumps(group).encode())
    active = [patch({"op": "Replace", "path": "active", "value": v}) for v in ("False", "True")]
    members = [patch({"op": "add", "path": "members", "value": [{"value": each}]}) for each in some]
    await report.line("GET /Users/{id}", target, lambda n: send("GET", f"/Users/{some[n % 100]}"))
    await report.line(
        "GET /Users?filter=userName eq",
        target,
        lambda n: send("GET", f"/Users?filter=userName+eq+%22user{n:07}@bench.test%22"),
    )
    await report.line("GET /Users?count=10", target, lambda _: send("GET", "/Users?count=10"))
    await report.line(
        "PATCH /Users/{id} active",
        target,
        lambda n: send("PATCH", f"/Users/{some[n % 100]}", active[n // 100 % 2]),
    )
    await report.line(
        "PATCH /Groups/{id} add member",
        target,
        lambda n: send("PATCH", f"/Groups/{group_id}", members[n % 100]),
        204,
    )


async def compare(bare: Target, target: Target, requests: int, connections: int) -> None:
    """Measure the bare application, then ours."""
    report = Report(requests, connections)
    await report.line("a bare ASGI application", bare, lambda _: bare.request("GET", "/"))
    await scim(report, target, requests)


def main() -> None:
    """Run everything and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--requests", type=int, default=3000, help="for each line (3000)")
    parser.add_argument("--connections", type=int, default=16, help="at once (16)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = str(Path(folder) / "scim.db")
        issue = ["token", "issue", "bench", "--name", "bench", "--database", database]
        issued = subprocess.run(
            [sys.executable, "-m", "scim_asgi", *issue], check=True, text=True, capture_output=True
        )
        ports = free_port(), free_port()
        bare = ["uvicorn", "benchmarks.bare:app", "--port", str(ports[0]), "--no-access-log"]
        serve = ["scim_asgi", "serve", "--database", database, "--port", str(ports[1])]
        with (
            running(*bare, ready="running on"),
            running(*serve, "--rate-limit", "none", ready="Serving"),
        ):
            target = Target(HOST, ports[1], "/scim/v2", issued.stdout.split()[-1])
            asyncio.run(
                compare(Target(HOST, ports[0]), target, options.requests, options.connections)
            )


if __name__ == "__main__":
    main()
