"""`scim-asgi simulate`: a directory as a client, against any SCIM base URL."""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from scim_asgi.cli.common import FiniteRange, print_json
from scim_asgi.errors import MissingExtra
from scim_asgi.remote import UnusableTarget

if TYPE_CHECKING:
    from scim_asgi.simulate import Exchange, Report, Simulator

_SHOWN = 20


class _Directories(click.Group):
    """A command for each directory; what they need is imported when one is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_simulators())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        simulator = _simulators().get(cmd_name)
        return None if simulator is None else _command(simulator)


def _simulators() -> dict[str, type[Simulator]]:
    try:
        from scim_asgi.simulate import SIMULATORS
    except MissingExtra as error:
        raise click.ClickException(str(error)) from error
    return SIMULATORS


@click.group(cls=_Directories)
def simulate() -> None:
    """Push a made-up company to a SCIM server as a directory does, and compare.

    The exit status is 0 when the server then holds exactly what the directory does.
    """


def _command(simulator: type[Simulator]) -> click.Command:
    def run(*, verbose: bool, as_json: bool, **settings: Any) -> None:
        try:
            report = _run(simulator, settings, verbose=verbose, quiet=as_json)
        except UnusableTarget as error:
            raise click.UsageError(str(error)) from error
        if as_json:
            print_json(report)
        else:
            _print(report, simulator.title)
        sys.exit(0 if report.ok else 1)

    text = inspect.cleandoc(simulator.__doc__ or simulator.title)
    return click.Command(
        simulator.name,
        params=_options(simulator),
        callback=run,
        help=text,
        short_help=text.splitlines()[0],
    )


def _options(simulator: type[Simulator]) -> list[click.Parameter]:
    return [
        click.Option(["--url"], required=True, help="The SCIM base URL."),
        click.Option(
            ["--token"],
            required=True,
            envvar="SCIM_ASGI_TOKEN",
            show_envvar=True,
            help="The bearer token.",
        ),
        _number("--users", 50, "How many people there are at first.", least=1),
        _number("--groups", 5, "How many groups there are at first."),
        _number("--cycles", 3, "How many cycles are pushed.", least=1),
        _number("--seed", 0, "The same seed makes the same company."),
        _number("--concurrency", 4, "How many requests are under way at once.", least=1),
        click.Option(
            ["--faults"],
            default=0.0,
            type=FiniteRange(0, 0.5),
            show_default=True,
            help="How many of all requests the network spoils, from 0 to 0.5.",
        ),
        *_mode_options(simulator),
        click.Option(["--verbose", "-v"], is_flag=True, help="Print every request."),
        click.Option(["--json", "as_json"], is_flag=True, help="Print the report as JSON."),
    ]


def _number(name: str, default: int, text: str, *, least: int = 0) -> click.Option:
    kind = click.IntRange(min=least)
    return click.Option([name], default=default, type=kind, show_default=True, help=text)


def _mode_options(simulator: type[Simulator]) -> Iterator[click.Option]:
    if len(simulator.modes) == 1:
        return
    for mode in simulator.modes:
        yield click.Option(
            [f"--{mode}", "mode"],
            flag_value=mode,
            help="The default." if mode == simulator.modes[0] else None,
        )


def _run(
    simulator: type[Simulator], settings: dict[str, Any], *, verbose: bool, quiet: bool
) -> Report:
    with _progress(quiet=quiet or verbose) as advance:
        run = simulator(
            **settings,
            on_progress=lambda done, total: advance(done, total, run.day),
            on_exchange=_print_exchange if verbose else None,
        )
        return asyncio.run(run.run())


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Any]:
    """Yield what is told of progress: a bar on a terminal, a line for each cycle elsewhere."""
    if quiet:
        yield lambda *_: None
    elif sys.stderr.isatty():
        with click.progressbar(length=1, label="Pushing", file=sys.stderr) as bar:

            def advance(done: int, total: int, _: int) -> None:
                bar.length = total
                bar.update(done - bar.pos)

            yield advance
    else:
        seen: list[int] = []

        def say(_: int, __: int, cycle: int) -> None:
            if cycle not in seen:
                seen.append(cycle)
                click.echo(f"cycle {cycle}", err=True)

        yield say


def _print_exchange(exchange: Exchange) -> None:
    status = exchange.status or "---"
    click.echo(f"  {status}  {exchange.method:6} {exchange.target}", err=True)


def _print(report: Report, title: str) -> None:
    mode = "" if report.mode == "default" else f" ({report.mode})"
    click.echo(
        f"{title}{mode}, seed {report.seed}: {report.users} users and {report.groups} groups "
        f"after {report.cycles} cycles, {report.requests} requests in {report.seconds:.1f} s"
    )
    statuses = Counter(each.status or "no answer" for each in report.refused)
    if statuses:
        listed = ", ".join(f"{times} times {status}" for status, times in statuses.items())
        expected = sum(each.expected for each in report.refused)
        click.echo(f"Answers other than 2xx: {listed}; {expected} of them are expected")
    _print_lines("What the directory counts as a failure", report.failures)
    _print_lines("Differences between the server and the directory", report.differences)
    if report.ok:
        click.echo("The server holds exactly what the directory does.")


def _print_lines(heading: str, lines: list[str]) -> None:
    if not lines:
        return
    click.echo(f"{heading}: {len(lines)}")
    for line in lines[:_SHOWN]:
        click.echo(f"  {line}")
    if len(lines) > _SHOWN:
        click.echo(f"  and {len(lines) - _SHOWN} more; --json prints all")
