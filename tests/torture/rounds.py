"""Rounds of torture: load from two clients, a kill, a restart, and a look at every promise."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from tests.conftest import issue_token
from tests.torture.directory import Directory
from tests.torture.processes import (
    Host,
    assert_each_delivery_had_one_effect,
    assert_sound,
    rows,
)

PLACES = ("anywhere", "before hook", "in hook", "after hook", "in commit", "re-mapping", "restart")
"""Where the process is killed, in turn."""

_MAPPINGS = (
    {"groups[0].displayName": "organization_role", "nickName": "public_metadata.nick"},
    {"groups[0].displayName": "organization_role", "nickName": "public_metadata.alias"},
)
_TIMEOUT = 0.4


class Torture:
    """A host product that is killed again and again while two directories talk to it.

    Args:
        folder: Where its files are.
        seed: What chance begins with.
    """

    def __init__(self, folder: Path, seed: str) -> None:
        self._folder = folder
        self._random = random.Random(seed)
        self.counted: Counter[str] = Counter()
        self._host = self._start()
        self._host.ask("/mapping", _MAPPINGS[0])
        tokens = [issue_token(folder / "scim.db") for _ in range(2)]
        self._admin = httpx.Client(headers={"Authorization": f"Bearer {tokens[0]}"}, timeout=30)
        group = {
            "displayName": "admins",
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        }
        made = self._admin.post(f"{self._host.base_url}/Groups", json=group).raise_for_status()
        self._directories = [
            Directory(self._host.base_url, token, made.json()["id"], name, f"{seed}{name}")
            for name, token in zip("ab", tokens, strict=True)
        ]

    def _start(self) -> Host:
        host = Host(self._folder, hook_timeout=_TIMEOUT, guard=None, trouble=6)
        assert host.started, host.errors.read_text()
        return host

    def close(self) -> None:
        """End everything."""
        self._host.kill()
        self._admin.close()
        for directory in self._directories:
            directory.close()

    def round(self, place: str) -> None:
        """Work, be killed at a place, restart, and check every promise."""
        self._arm(place)
        wrong: list[BaseException] = []
        clients = [
            threading.Thread(target=_working, args=(directory, wrong))
            for directory in self._directories
        ]
        for client in clients:
            client.start()
        self._until_killed(place)
        for client in clients:
            client.join(60)
        if wrong:
            raise wrong[0]
        self._restart(place)
        self.check()
        self.counted[place] += 1

    def _arm(self, place: str) -> None:
        if "hook" in place or "commit" in place:
            self._host.ask("/arm", {"place": place, "times": self._random.randrange(1, 12)})

    def _until_killed(self, place: str) -> None:
        if "hook" in place or "commit" in place:
            try:
                self._host.process.wait(timeout=5)
            except TimeoutError:
                self.counted["not reached"] += 1
        else:
            time.sleep(self._random.uniform(0.05, 0.5))
        if place == "re-mapping":
            self._host.ask("/mapping", self._random.choice(_MAPPINGS))
            time.sleep(self._random.uniform(0, 0.15))
        self._host.kill()

    def _restart(self, place: str) -> None:
        if place == "restart":
            # Once more, in the middle of what the start takes up again.
            host = self._start()
            time.sleep(self._random.uniform(0, 0.6))
            host.kill()
        self._host = self._start()
        for directory in self._directories:
            directory.base_url = self._host.base_url

    def check(self) -> None:
        """Check every promise, once the host has confirmed everything."""
        assert_sound(self._folder / "scim.db")
        self._host.until_settled()
        for directory in self._directories:
            directory.check()
        self._check_accounts()
        self._check_counts()
        assert_each_delivery_had_one_effect(self._folder)
        assert_sound(self._folder / "scim.db")
        assert_sound(self._folder / "host.db")

    def _check_accounts(self) -> None:
        """Check that the host's open accounts are the directory's active users."""
        key = self._mapped_key()
        wanted = sorted(_account(user, key) for user in self._users() if user["active"])
        query = "SELECT content FROM accounts WHERE is_open"
        has = sorted(row[0] for row in rows(self._folder / "host.db", query))
        assert wanted == has

    def _check_counts(self) -> None:
        """Check that the counts that are kept are those of the rows."""
        scim = self._folder / "scim.db"
        query = "SELECT counted, total FROM counts WHERE counted GLOB 'account:*' AND total"
        kept = rows(scim, f"{query} ORDER BY 1")
        state = "'account:' || wanted_state"
        query = f"SELECT {state}, count(*) FROM accounts GROUP BY 1 ORDER BY 1"
        assert rows(scim, query) == kept
        query = "SELECT 1 FROM accounts WHERE wanted_state = 'active' AND closed_at IS NOT NULL"
        assert [] == rows(scim, query)
        query = "SELECT 1 FROM accounts WHERE wanted IS NOT confirmed"
        assert [] == rows(scim, f"{query} OR wanted_state IS NOT confirmed_state")

    def _mapped_key(self) -> str:
        query = "SELECT content FROM mappings ORDER BY number DESC LIMIT 1"
        ((override,),) = rows(self._folder / "scim.db", query)
        destination: str = json.loads(override)["nickName"]
        return destination.partition(".")[2]

    def _users(self) -> list[dict[str, Any]]:
        users: list[dict[str, Any]] = []
        while True:
            query = f"?startIndex={len(users) + 1}&count=200"
            answer = self._admin.get(f"{self._host.base_url}/Users{query}").raise_for_status()
            page = answer.json()
            users += page.get("Resources", [])
            if len(users) >= page["totalResults"]:
                return users

    def answers(self) -> Counter[int]:
        """Return how many answers of each status the directories got."""
        total: Counter[int] = Counter()
        for directory in self._directories:
            total.update(directory.answers)
        return total

    def deliveries(self) -> tuple[int, int]:
        """Return how many calls the host has carried out, and of how many deliveries."""
        query = "SELECT count(*), count(DISTINCT delivery_id) FROM deliveries"
        ((calls, deliveries),) = rows(self._folder / "host.db", query)
        return calls, deliveries


def _working(directory: Directory, wrong: list[BaseException]) -> None:
    try:
        directory.work()
    except BaseException as error:  # noqa: BLE001 - the round raises it
        wrong.append(error)


def _account(user: dict[str, Any], key: str) -> str:
    groups = user.get("groups")
    account = {
        "email_address": user["userName"],
        "last_name": user["name"]["familyName"],
        "organization_role": groups[0]["display"] if groups else None,
        "public_metadata": {key: user["nickName"]},
        "active": True,
    }
    return json.dumps(account, sort_keys=True)
