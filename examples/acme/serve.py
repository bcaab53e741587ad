"""`make serve`: Acme, kept running, with a fresh token for the organization `acme`."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

from examples.acme.process import running, scim_asgi


def main() -> None:
    """Run Acme until somebody presses Ctrl-C."""
    folder = Path("acme-data")
    folder.mkdir(exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with running(folder) as url:
        issued = scim_asgi(folder, "token", "issue", "acme", "--name", "make serve", "--json")
        print(f"Acme            {url}/")
        print(f"Directory sync  {url}/admin/organizations/acme/directory-sync")
        print(f"Base URL        {url}/scim/v2")
        print(f"  for Entra     {url}/scim/v2?aadOptscim062020")
        print(f"Secret token    {json.loads(issued)['token']}")
        print(f"Its files are in {folder.resolve()}. Ctrl-C ends it.", flush=True)
        signal.pause()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("Acme has ended.")
