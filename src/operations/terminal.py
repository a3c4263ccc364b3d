"""What commands print: without secrets, and without what would steer a terminal or look like a line of its own."""

from typing import NoReturn

import typer

from src.config import known_secrets
from src.domain.redaction import Redactor
from src.domain.text import shown


def say(*lines: str, err: bool = False) -> None:
    """Prints lines, each as one whatever is in it. With `err`, they go to stderr."""
    redact = Redactor(known_secrets())
    for line in lines:
        typer.echo(shown(redact(line)), err=err)


def fail(*lines: str) -> NoReturn:
    """Prints lines to stderr, and ends the command with exit code 1."""
    say(*lines, err=True)
    raise typer.Exit(1)
