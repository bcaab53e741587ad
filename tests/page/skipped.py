"""A journey that admins make with and without JavaScript: why was this person skipped?"""

from __future__ import annotations

from tests.client import USER
from tests.page.hosts import Host
from tests.page.visitors import Visitor


def find_out_why_somebody_was_skipped(host: Host, visit: Visitor) -> None:
    """Let a person be skipped, and find out why, from the list of users on."""
    directory = host.connected()
    directory.create_user("ada@acme.example")
    refused = directory.post("/Users", {"schemas": [USER], "userName": "contractor-7"})
    assert 400 == refused.status_code
    visit.go("users")
    visit.field("Search").fill("contractor-7")
    visit.button("Search").click()
    visit.link("in the log").click()
    visit.field("Outcome").select_option("skipped")
    visit.button("Filter").click()
    visit.link("Open Skipped contractor-7").click()
    visit.sees('"userName" holds "contractor-7"')
    visit.sees("Set it for this person in the directory, or change the attribute mapping.")
    visit.sees("POST /Users")
