"""The example product and its demonstration, as `make demo` runs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from examples.acme.demo import differences, wanted_accounts
from scim_asgi.simulate.company import Company

ROOT = Path(__file__).parents[2]


def test_the_demonstration_ends_well_and_prints_requests_accounts_and_log() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "examples.acme.demo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert 0 == done.returncode, done.stdout[-2000:] + done.stderr
    for part in ("POST   /Users", "org:admin", "closed", "The provisioning log", "as it must be"):
        assert part in done.stdout, part
    assert "Traceback" not in done.stderr


def test_the_demonstration_would_notice_a_wrong_account() -> None:
    wanted = wanted_accounts(Company("entra 1", 5, 1, "acme.example"))
    email = next(iter(wanted))
    rest = {each: wanted[each] for each in wanted if each != email}
    assert [] == differences(wanted, wanted)
    assert [f"{email} is missing"] == differences(wanted, rest)
    assert [f"{email} should not be open"] == differences(rest, wanted)
    assert 1 == len(differences(wanted, {**wanted, email: ("Somebody", "org:admin")}))
