"""`make serve`: Acme, kept running; the set-up of its Directory sync page issues the token."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from examples.acme.process import running


def main() -> None:
    """Run Acme until somebody presses Ctrl-C."""
    folder = Path("acme-data")
    folder.mkdir(exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with running(folder) as url:
        page = f"{url}/admin/organizations/acme/directory-sync"
        print(f"Acme            {url}/")
        print(f"Directory sync  {page}")
        print(f"Connect here    {page}/setup")
        print(f"Base URL        {url}/scim/v2")
        print(f"  for Entra     {url}/scim/v2?aadOptscim062020")
        print(f"Its files are in {folder.resolve()}. Ctrl-C ends it.", flush=True)
        signal.pause()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("Acme has ended.")
