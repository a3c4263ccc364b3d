"""The commands for developers: `python app.py local …` and `python app.py stand-in`."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from src.operations.terminal import fail

local = typer.Typer(help="Private local services, for demos and development. The Makefile calls these.")


def add_to(commands: typer.Typer) -> None:
    """Adds these commands to the command line."""
    commands.add_typer(local, name="local")
    commands.command("stand-in")(stand_in)


def stand_in(
    host: Annotated[
        str, typer.Option(help="Address to listen on; loopback unless a container needs another")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one")] = 0,
    latency: Annotated[float, typer.Option(help="Seconds that a call takes")] = 0.0,
    jitter: Annotated[float, typer.Option(help="Seconds more or less, at random")] = 0.0,
    fault: Annotated[list[str] | None, typer.Option(help="KIND=CHANCE, such as 429=0.05; repeatable")] = None,
    sources: Annotated[Path | None, typer.Option(help="Folder that the vector store search looks in")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the random numbers")] = 0,
    capacity: Annotated[int | None, typer.Option(help="Calls that may be open; those beyond get a 429")] = None,
) -> None:
    """Serve the stand-in model: an OpenAI-compatible server for demos, tests and benchmarks."""
    from src.devtools.local_service import free_port
    from src.devtools.stand_in_faults import FAULTS
    from src.devtools.stand_in_model import StandInModel, serve

    rates = {}
    for entry in fault or []:
        kind, _, chance = entry.partition("=")
        if kind not in FAULTS:
            fail(f"--fault {entry}: the kinds are {', '.join(sorted(FAULTS))}")
        try:
            rates[kind] = float(chance)
        except ValueError:
            fail(f"--fault {entry}: write KIND=CHANCE, such as 429=0.05")
    serve(StandInModel(latency, jitter, rates, sources, seed, capacity), host, port or free_port())


@local.command("demo")
def local_demo(lessons: Annotated[int, typer.Option(min=1, help="How many lessons the course has")] = 4) -> None:
    """Make one course from nothing: services, worker, request, progress, result."""
    from src.devtools.local_run import demo

    sys.exit(demo(lessons))


@local.command("run")
def local_run() -> None:
    """Serve with private local services until Ctrl-C."""
    from src.devtools.local_run import run

    sys.exit(run())


@local.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def local_exec(command: Annotated[list[str], typer.Argument(help="A command and its arguments")]) -> None:
    """Run a command with the settings of the local services that `local run` has started."""
    from src.devtools.local_run import execute

    sys.exit(execute(command))


@local.command("psql", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def local_psql(arguments: Annotated[list[str] | None, typer.Argument(help="Arguments of psql")] = None) -> None:
    """Open psql on the local database; the server is started for it if it isn't running."""
    from src.devtools.local_run import psql

    sys.exit(psql(arguments or []))


@local.command("app", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def local_app(arguments: Annotated[list[str], typer.Argument(help="A command of this program")]) -> None:
    """Run a command of this program on the local database; the server is started for it if it isn't running."""
    from src.devtools.local_run import app

    sys.exit(app(arguments))


class Service(StrEnum):
    """A local service."""

    POSTGRES = "postgres"
    RABBITMQ = "rabbitmq"


@local.command("stop")
def local_stop(service: Service) -> None:
    """Stop a service under the worker of `local run`, to see what happens."""
    from src.devtools.local_run import stop

    sys.exit(stop(service))


@local.command("start")
def local_start(service: Service) -> None:
    """Start a service again that was stopped with `local stop`."""
    from src.devtools.local_run import start

    sys.exit(start(service))
