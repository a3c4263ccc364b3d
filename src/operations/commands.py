"""The command line: `python app.py <command>`. `app.py` adds what runs without a command."""

import sys
from typing import Annotated, Any

import typer
from sqlalchemy.exc import DBAPIError
from typer.core import TyperGroup
from typer.main import get_group

from src.config import SLICES, Settings, known_secrets
from src.domain.redaction import Redactor
from src.operations.source_commands import sources
from src.operations.terminal import fail, say
from src.services.database.connection import explained
from src.services.part import is_installed, load_slice


class _Commands(TyperGroup):
    """The group of all commands. It explains the database's errors, and imports a slice only for its own command."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Returns the names of all commands; those of slices come last."""
        return [*super().list_commands(ctx), *filter(is_installed, SLICES)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Returns a command, for which its slice is imported. Raises `StartError` if its folder is not there."""
        if cmd_name not in SLICES:
            return super().get_command(ctx, cmd_name)
        own = load_slice(cmd_name).commands
        if own is None:
            return None
        command = get_group(own)  # also of a slice with one command
        command.name = cmd_name
        return command

    def invoke(self, ctx: Any) -> Any:
        """Runs the command. Raises `DatabaseUnusable` instead of `DBAPIError`."""
        try:
            return super().invoke(ctx)
        except DBAPIError as error:
            raise explained(error) from error


commands = typer.Typer(
    cls=_Commands,
    help="The course generation worker. Without a command it serves requests until SIGTERM or Ctrl-C.",
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    add_completion=False,
)
database = typer.Typer(help="The schema of the database that the settings name.")
model = typer.Typer(help="The language model that the settings name.")
commands.add_typer(sources, name="sources")
commands.add_typer(model, name="model")
commands.add_typer(database, name="db")


@database.command("upgrade")
def db_upgrade(revision: Annotated[str, typer.Argument(help="head, or a revision")] = "head") -> None:
    """Bring the schema to a revision. A database with the original tables is upgraded in place."""
    from src.operations.migrations import upgrade

    upgrade(Settings().database, revision)
    say(f"The schema is at {revision}.")


@database.command("downgrade")
def db_downgrade(revision: Annotated[str, typer.Argument(help="0001 is the original schema")]) -> None:
    """Take the schema back to a revision."""
    from src.operations.migrations import downgrade

    downgrade(Settings().database, revision)
    say(f"The schema is at {revision}.")


@database.command("check")
def db_check() -> None:
    """Say whether the schema is the one that this program needs, and who may do more with it than they should."""
    from src.operations.migrations import faults_of

    if faults := faults_of(Settings().database):
        fail(*faults)
    say("The schema is as this program needs it, and nobody but its owner may create things beside it.")


@database.command("schema")
def db_schema(
    check: Annotated[bool, typer.Option("--check", help="Only compare; exit 1 if it differs")] = False,
) -> None:
    """Write schema.sql from migrations/sql and migrations/functions."""
    from src.operations.known_schema import ROOT
    from src.operations.migrations import render_schema

    path = ROOT / "schema.sql"
    if not check:
        path.write_text(render_schema(), encoding="utf-8")
    elif path.read_text(encoding="utf-8") != render_schema():
        fail("schema.sql differs from migrations: run `make schema`")


@model.callback()
def _model() -> None:
    """Makes `model` a group, though it has a single command so far."""


@model.command("check")
def model_check() -> None:
    """Write one small lesson with the model, store nothing, and say what its server can and what to set."""
    import asyncio
    import logging

    from src.operations.model_check import check

    logging.getLogger().setLevel(logging.ERROR)  # what a worker would log is said in plain words
    openai = Settings().openai
    if not openai.configured:
        fail("no model is configured: set OPENAI_API_KEY, or OPENAI_BASE_URL for another server")
    if not asyncio.run(check(openai, Redactor(known_secrets()), say)):
        raise typer.Exit(1)


@commands.command("contract")
def contract(
    check: Annotated[bool, typer.Option("--check", help="Only compare; exit 1 if it differs")] = False,
) -> None:
    """Write docs/contract (JSON Schema, AsyncAPI) from the models."""
    from src.operations.contract import differing_files, write_contract

    if not check:
        write_contract()
    elif different := differing_files():
        fail(f"docs/contract differs from the models ({', '.join(different)}): run `make schema`")


@commands.command("quality")
def quality(
    course: Annotated[
        str | None,
        typer.Argument(help="A course's id, its folder, its request_id or its slug; all courses if left out"),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many courses to list")] = 20,
) -> None:
    """Show what was measured of a course: citations, reading grade, keys, and what the gates found.

    Without COURSE, list the finished courses, those with the most findings first.
    """
    from src.operations.quality_report import overview, report

    if course is None:
        typer.echo(overview(Settings().database, limit))
        return
    rendered = report(Settings().database, course)
    if rendered is None:
        fail(f"no course has the id, folder, request_id or slug '{course}'")
    typer.echo(rendered)


@commands.command("reconcile")
def reconcile() -> None:
    """Bring courses that were written with files only into the database. Running workers do it by themselves."""
    import asyncio

    from src.operations.reconcile import reconcile as run

    sys.exit(asyncio.run(run(Settings())))
