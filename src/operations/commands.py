"""The command line: `python app.py <command>`. `app.py` adds what runs without a command."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from src.config import Settings
from src.operations.source_commands import sources

commands = typer.Typer(
    help="The course generation worker. Without a command it serves requests until SIGTERM or Ctrl-C.",
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    add_completion=False,
)
database = typer.Typer(help="The schema of the database of the environment.")
local = typer.Typer(help="Private local services, for demos and development. The Makefile calls these.")
commands.add_typer(sources, name="sources")
commands.add_typer(database, name="db")
commands.add_typer(local, name="local")


@database.command("upgrade")
def db_upgrade(revision: Annotated[str, typer.Argument(help="head, or a revision")] = "head") -> None:
    """Bring the schema to a revision. A database with the original tables is upgraded in place."""
    from src.operations.migrations import upgrade

    upgrade(Settings().database, revision)
    typer.echo(f"The schema is at {revision}.")


@database.command("downgrade")
def db_downgrade(revision: Annotated[str, typer.Argument(help="0001 is the original schema")]) -> None:
    """Take the schema back to a revision."""
    from src.operations.migrations import downgrade

    downgrade(Settings().database, revision)
    typer.echo(f"The schema is at {revision}.")


@database.command("schema")
def db_schema(
    check: Annotated[bool, typer.Option("--check", help="Only compare; exit 1 if it differs")] = False,
) -> None:
    """Write schema.sql from migrations/sql and migrations/functions."""
    from src.operations.migrations import ROOT, render_schema

    path = ROOT / "schema.sql"
    if not check:
        path.write_text(render_schema(), encoding="utf-8")
    elif path.read_text(encoding="utf-8") != render_schema():
        _fail("schema.sql differs from migrations: run `make schema`")


@commands.command("contract")
def contract(
    check: Annotated[bool, typer.Option("--check", help="Only compare; exit 1 if it differs")] = False,
) -> None:
    """Write docs/contract (JSON Schema, AsyncAPI) from the models."""
    from src.operations.contract import differing_files, write_contract

    if not check:
        write_contract()
    elif different := differing_files():
        _fail(f"docs/contract differs from the models ({', '.join(different)}): run `make schema`")


@commands.command("quality")
def quality(
    course: Annotated[
        str | None,
        typer.Argument(help="A course's id, its folder, its request_id or its slug; all courses where left out"),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many of all courses")] = 20,
) -> None:
    """Show what was measured of a course: citations, reading grade, keys, and what the gates found.

    Without COURSE the finished courses, those with the most findings first.
    """
    from src.operations.quality_report import overview, report

    if course is None:
        typer.echo(overview(Settings().database, limit))
        return
    shown = report(Settings().database, course)
    if shown is None:
        _fail(f"no course has the id, folder, request_id or slug '{course}'")
    typer.echo(shown)


@commands.command("reconcile")
def reconcile() -> None:
    """Import courses that were written with files only into the database. Running workers do it by themselves."""
    import asyncio

    from src.operations.reconcile import reconcile as run

    sys.exit(asyncio.run(run(Settings())))


@commands.command("stand-in")
def stand_in(
    host: Annotated[
        str, typer.Option(help="Address to listen on; loopback unless a container needs another")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one")] = 0,
    latency: Annotated[float, typer.Option(help="Seconds that a call takes")] = 0.0,
    jitter: Annotated[float, typer.Option(help="Seconds more or less, at random")] = 0.0,
    fault: Annotated[list[str] | None, typer.Option(help="KIND=CHANCE, such as 429=0.05; repeatable")] = None,
    sources: Annotated[Path | None, typer.Option(help="Folder that the vector store search looks in")] = None,
    seed: Annotated[int, typer.Option(help="Of the random numbers")] = 0,
    capacity: Annotated[int | None, typer.Option(help="More calls than that at once are answered with 429")] = None,
) -> None:
    """Serve the stand-in model: an OpenAI-compatible server for demos, tests and benchmarks."""
    from src.operations.local_service import free_port
    from src.operations.stand_in_model import FAULTS, StandInModel, serve

    rates = {}
    for entry in fault or []:
        kind, _, chance = entry.partition("=")
        if kind not in FAULTS:
            _fail(f"--fault {entry}: the kinds are {', '.join(sorted(FAULTS))}")
        try:
            rates[kind] = float(chance)
        except ValueError:
            _fail(f"--fault {entry}: write KIND=CHANCE, such as 429=0.05")
    serve(StandInModel(latency, jitter, rates, sources, seed, capacity), host, port or free_port())


@local.command("demo")
def local_demo() -> None:
    """Make one course from nothing: services, worker, request, progress, result."""
    from src.operations.local_run import demo

    sys.exit(demo())


@local.command("run")
def local_run() -> None:
    """Serve with private local services until Ctrl-C."""
    from src.operations.local_run import run

    sys.exit(run())


@local.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def local_exec(command: Annotated[list[str], typer.Argument(help="A command and its arguments")]) -> None:
    """Run a command with the settings of the local services that `local run` has started."""
    from src.operations.local_run import execute

    sys.exit(execute(command))


@local.command("psql", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def local_psql(arguments: Annotated[list[str] | None, typer.Argument(help="Arguments of psql")] = None) -> None:
    """Open psql on the local database; starts the server for it where it isn't running."""
    from src.operations.local_run import psql

    sys.exit(psql(arguments or []))


@local.command("app", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def local_app(arguments: Annotated[list[str], typer.Argument(help="A command of this program")]) -> None:
    """Run a command of this program on the local database; starts the server for it where it isn't running."""
    from src.operations.local_run import app

    sys.exit(app(arguments))


class Service(StrEnum):
    """A local service."""

    POSTGRES = "postgres"
    RABBITMQ = "rabbitmq"


@local.command("stop")
def local_stop(service: Service) -> None:
    """Stop a service under the worker of `local run`, to see what happens."""
    from src.operations.local_run import stop

    sys.exit(stop(service))


@local.command("start")
def local_start(service: Service) -> None:
    """Start it again."""
    from src.operations.local_run import start

    sys.exit(start(service))


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(1)
