"""`scim-asgi drift`: what the product really has, compared with what the directory wants."""

from __future__ import annotations

import click

from scim_asgi.app import ScimApp
from scim_asgi.cli.common import (
    Product,
    counted,
    json_option,
    print_json,
    product_options,
    run,
)
from scim_asgi.provisioning.drift import Drift
from scim_asgi.redaction import printable

_KINDS = {
    "missing": "missing in the product",
    "open": "open, but to be closed",
    "closed": "closed, but to be open",
    "fields": "other fields",
}


@click.command()
@product_options(hooks=True)
@click.argument("organization")
@click.option("--repair", is_flag=True, help="Deliver what differs again.")
@json_option
def drift(
    product: Product,
    organization: str,
    *,
    repair: bool,
    as_json: bool,
) -> None:
    """Ask the product's hook `read` what it has of ORGANIZATION, and list what differs.

    The exit status is 1 when something does.
    """

    async def work(app: ScimApp) -> list[Drift]:
        return await app.reconciliation.drift(organization, repair=repair)

    found = run(product, work, account_type="compared", works=repair)
    for each in found:
        print_json(each) if as_json else click.echo(_line(each))
    if not as_json:
        repaired = "; delivered again" if repair and found else ""
        differ = "differs" if len(found) == 1 else "differ"
        click.echo(f"{counted(len(found), 'account')} of {organization} {differ}{repaired}.")
    if found:
        raise SystemExit(1)


def _line(each: Drift) -> str:
    rest = ", ".join(
        f"{name}: {has!r}, not {want!r}" for name, (has, want) in each.differences.items()
    )
    pending = "  (a delivery is pending)" if each.is_pending else ""
    line = (
        f"{each.name}  {each.account_id}  {each.host_id or '-'}  {_KINDS[each.kind]}  "
        f"{rest}{pending}"
    )
    return printable(line).rstrip()
