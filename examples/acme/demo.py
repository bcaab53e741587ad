"""`make demo`: a simulated Entra provisions Acme over HTTP, with everything real."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

import httpx

from examples.acme.process import running, scim_asgi
from scim_asgi.simulate import Entra, Exchange
from scim_asgi.simulate.company import Company, Person

ROLE_RULES = {
    "rules": [
        {"group": "Acme-Admins", "role": "org:admin"},
        {"group": "Acme-Employees", "role": "org:member"},
    ]
}
_SEED = 271
_PATIENCE = 15.0

Accounts = dict[str, tuple[str, str]]
"""Open accounts: address to the person's name and their role."""


def role_of(company: Company, person: Person) -> str:
    """Return the role that Acme has to give a person: by the first of their groups."""
    names = sorted(team.name for team in company.teams.values() if person.key in team.members)
    return "org:admin" if "acme-admins" in names else "org:member"


def wanted_accounts(company: Company) -> Accounts:
    """Return the open accounts that Acme has to have."""
    return {
        person.login: (person.display_name, role_of(company, person))
        for person in company.people.values()
        if person.status == "active"
    }


def open_accounts(rows: list[dict[str, str]]) -> Accounts:
    """Return the open ones of Acme's accounts."""
    return {
        row["email"]: (f"{row['first_name']} {row['last_name']}", row["role"])
        for row in rows
        if row["is_open"]
    }


def differences(wanted: Accounts, found: Accounts) -> list[str]:
    """Return in words how Acme's open accounts differ from what they have to be."""
    lines = [f"{email} is missing" for email in sorted(wanted.keys() - found.keys())]
    lines += [f"{email} should not be open" for email in sorted(found.keys() - wanted.keys())]
    lines += [
        f"{email} is {found[email]} and should be {wanted[email]}"
        for email in sorted(wanted.keys() & found.keys())
        if wanted[email] != found[email]
    ]
    return lines


def settled_accounts(url: str, wanted: Accounts) -> list[dict[str, str]]:
    """Return Acme's accounts once they are right, or as they are when patience ends.

    Roles follow a change of a group in the background, shortly after its answer.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        rows: list[dict[str, str]] = httpx.get(f"{url}/accounts").json()
        if not differences(wanted, open_accounts(rows)) or time.monotonic() > deadline:
            return rows
        time.sleep(0.05)


def round_trip(title: str, mode: str) -> bool:
    """Play one of Entra's styles against a new Acme; return whether everything came out right."""
    print(f"\n=== {title} ===\n")
    with tempfile.TemporaryDirectory() as name, running(Path(name)) as url:
        folder = Path(name)
        issued = json.loads(scim_asgi(folder, "token", "issue", "acme", "--name", title, "--json"))
        rules = folder / "roles.json"
        rules.write_text(json.dumps(ROLE_RULES))
        print(scim_asgi(folder, "roles", "set", "acme", str(rules)))
        entra = Entra(
            f"{url}/scim/v2",
            issued["token"],
            mode=mode,
            users=25,
            groups=4,
            cycles=3,
            seed=_SEED,
            on_exchange=_print_exchange,
        )
        report = asyncio.run(entra.run())
        wanted = wanted_accounts(entra.company)
        rows = settled_accounts(url, wanted)
        _print_results(rows, scim_asgi(folder, "log", "acme", "--limit", "200"))
    wrong = [*report.differences, *report.failures, *differences(wanted, open_accounts(rows))]
    for line in wrong:
        print(f"WRONG: {line}")
    return not wrong


def _print_exchange(exchange: Exchange) -> None:
    print(f"  {exchange.status}  {exchange.method:6} {exchange.target}")


def _print_results(rows: list[dict[str, str]], log: str) -> None:
    print("\nAcme's accounts:\n")
    for row in rows:
        state = "open" if row["is_open"] else "closed"
        name = f"{row['first_name']} {row['last_name']}"
        print(f"  {row['email']:38} {state:7} {row['role']:11} {name}")
    print(f"\nThe provisioning log:\n\n{log}")


def main() -> int:
    """Play both PATCH styles; return the exit status."""
    results = [
        round_trip("Entra, as it is by default", "legacy-patch"),
        round_trip("Entra, with ?aadOptscim062020", "compliant-patch"),
    ]
    print("Everything is as it must be." if all(results) else "Something is wrong, see above.")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
