"""`make demo`: a directory's first cycle against Acme, over HTTP, with everything real."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import httpx

from examples.acme.directory import Directory
from examples.acme.people import Person, changed, people
from examples.acme.process import running, scim_asgi

ROLE_MAPPING = {
    "groups[0].displayName": (
        '{{ value | downcase | replace: "acme-admins", "org:admin" '
        '| replace: "acme-employees", "org:member" }}.organization_role'
    )
}
_PATIENCE = 15.0


def play(directory: Directory, domain: str) -> list[Person]:
    """Push a first cycle and then some changes; return the people as they are at the end."""
    everybody = people(domain)
    directory.test_connection()
    for person in everybody:
        directory.join(person)
    for person in everybody[1:4]:
        directory.set_manager(person, everybody[0])
    for name in ("acme-admins", "acme-employees"):
        directory.push_group(name, [each for each in everybody if name in each.groups])
    everybody[4] = changed(everybody[4], title="Lead", family_name="Liskov-Huberman")
    directory.change_profile(everybody[4])
    everybody[2] = changed(everybody[2], groups=frozenset({"acme-employees"}))
    directory.remove_member("acme-admins", everybody[2])
    for number in (5, 6):
        everybody[number] = changed(everybody[number], is_enabled=False)
        directory.set_enabled(everybody[number])
    everybody[6] = changed(everybody[6], is_enabled=True)
    directory.set_enabled(everybody[6])
    everybody[7] = changed(everybody[7], is_there=False)
    directory.leave(everybody[7])
    return everybody


def differences(wanted: list[dict[str, object]], found: list[dict[str, object]]) -> list[str]:
    """Return in words how the host's accounts differ from what they have to be."""
    want = {str(each["email"]): each for each in wanted}
    have = {str(each["email"]): each for each in found}
    lines = [f"{email} is missing" for email in sorted(want.keys() - have.keys())]
    lines += [f"{email} should not be there" for email in sorted(have.keys() - want.keys())]
    lines += [
        f"{email} is {have[email]} and should be {want[email]}"
        for email in sorted(want.keys() & have.keys())
        if want[email] != have[email]
    ]
    return lines


def settled_accounts(url: str, wanted: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return the host's accounts once they are right, or as they are when patience ends.

    Roles follow a change of a group in the background, shortly after its answer.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        found: list[dict[str, object]] = httpx.get(f"{url}/accounts").json()
        if not differences(wanted, found) or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def round_trip(title: str, *, compliant: bool) -> bool:
    """Play the cycle once against a new Acme; return whether everything came out right."""
    print(f"\n=== {title} ===\n")
    with tempfile.TemporaryDirectory() as name, running(Path(name)) as url:
        folder = Path(name)
        issued = json.loads(scim_asgi(folder, "token", "issue", "acme", "--name", title, "--json"))
        override = folder / "roles.json"
        override.write_text(json.dumps(ROLE_MAPPING))
        print(scim_asgi(folder, "mapping", "set", "acme", str(override)))
        directory = Directory(f"{url}/scim/v2", issued["token"], compliant=compliant)
        try:
            everybody = play(directory, "acme.example")
        finally:
            directory.close()
        wanted = [person.account() for person in everybody]
        accounts = settled_accounts(url, wanted)
        wrong = differences(wanted, accounts)
        _show(accounts, scim_asgi(folder, "log", "acme", "--limit", "200"))
    for line in wrong:
        print(f"WRONG: {line}")
    if directory.failures:
        print(f"WRONG: {directory.failures} requests were not answered as they should be")
    return not wrong and not directory.failures


def _show(accounts: list[dict[str, object]], log: str) -> None:
    print("\nAcme's accounts:\n")
    for each in accounts:
        state = "open" if each["is_open"] else "closed"
        name = f"{each['first_name']} {each['last_name']}"
        print(f"  {each['email']:24} {state:7} {each['role']:11} {name}")
    print(f"\nThe provisioning log:\n\n{log}")


def main() -> int:
    """Play both PATCH styles; return the exit status."""
    results = [
        round_trip("Entra, as it is by default", compliant=False),
        round_trip("Entra, with ?aadOptscim062020", compliant=True),
    ]
    print("Everything is as it must be." if all(results) else "Something is wrong, see above.")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
