"""`scim-asgi check`: what directories would stumble over at a deployment."""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING, Any

import click

from scim_asgi.cli.common import FiniteRange, json_option, print_json
from scim_asgi.errors import MissingExtra
from scim_asgi.remote import UnusableTarget

if TYPE_CHECKING:
    from scim_asgi.doctor import Finding, Report

_MARKS = {
    "ok": ("✓", "green"),
    "skipped": ("·", None),
    "warning": ("!", "yellow"),
    "failure": ("✗", "red"),
}


@click.command()
@click.option("--url", required=True, help="The base URL, as directories are given it.")
@click.option(
    "--token",
    envvar="SCIM_ASGI_TOKEN",
    show_envvar=True,
    help="A SCIM token; without, only what can be seen without is checked.",
)
@click.option(
    "--directory",
    "directories",
    multiple=True,
    metavar="NAME",
    help="Only what concerns this directory, such as entra; may be repeated.",
)
@click.option(
    "--timeout",
    default=10.0,
    show_default=True,
    type=FiniteRange(0.1, 120),
    metavar="SECONDS",
    help="How long one request may take.",
)
@json_option
def check(
    url: str,
    token: str | None,
    directories: tuple[str, ...],
    timeout: float,
    *,
    as_json: bool,
) -> None:
    """Find what directories would stumble over at a SCIM deployment.

    Sends what directories send when they connect, and what they read; never writes. The exit
    status is 0 when nothing would fail.
    """
    doctor = _doctor()
    for name in directories:
        if name not in doctor.DIRECTORIES:
            msg = f'"{name}" is not known; write one of {", ".join(doctor.DIRECTORIES)}.'
            raise click.BadParameter(msg, param_hint="--directory")
    try:
        report = doctor.diagnose(url, token, timeout=timeout).limited_to(directories)
    except UnusableTarget as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        print_json(report)
    else:
        _print(report, doctor.DIRECTORIES)
    sys.exit(1 if report.failures else 0)


def _doctor() -> Any:
    try:
        from scim_asgi import doctor
    except MissingExtra as error:
        raise click.ClickException(str(error)) from error
    return doctor


def _print(report: Report, names: dict[str, str]) -> None:
    click.echo(f"{report.url}: {report.requests} requests, nothing was written.")
    for group, findings in itertools.groupby(report.findings, key=lambda each: each.group):
        click.secho(f"\n{group}", bold=True)
        for finding in findings:
            _print_finding(finding, names)
    click.echo()
    if not report.complete:
        click.echo("The rest could not be looked at; check again when this is repaired.")
    _print_summary(report, names)


def _print_finding(finding: Finding, names: dict[str, str]) -> None:
    mark, color = _MARKS[finding.level]
    head = f"  {click.style(mark, fg=color)} {finding.title}"
    if not finding.advice:
        click.echo(f"{head}: {finding.seen}")
        return
    if finding.causes:
        click.echo(f"{head}: {finding.seen} See {', '.join(finding.causes)}.")
        return
    click.echo(f"{head}\n      {finding.seen}\n      {finding.advice}")
    click.secho(f"      [{finding.id}] {_listed(finding.directories, names)}", dim=True)


def _print_summary(report: Report, names: dict[str, str]) -> None:
    warnings = sum(each.level == "warning" for each in report.findings)
    following = sum(bool(each.causes) for each in report.failures)
    failures = _counted(len(report.failures) - following, "failure")
    after = f" and {following} that come from them" if following else ""
    counts = f"{failures}{after}, {_counted(warnings, 'warning')}."
    failing = {each for finding in report.failures for each in finding.directories}
    if failing:
        click.secho(f"{counts} Trouble for: {_listed(tuple(failing), names)}.", fg="red")
    elif report.with_token:
        click.secho(f"{counts} No directory should stumble.", fg="green")
    else:
        click.echo(f"{counts} Give a token to see the rest.")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _listed(directories: tuple[str, ...], names: dict[str, str]) -> str:
    if len(directories) == len(names):
        return "every directory"
    return ", ".join(name for each, name in names.items() if each in directories)
