"""Reads from the files in `migrations` what this program knows of its schema. It needs neither Alembic nor a database.

A worker starts with this, and Alembic takes a quarter of a second to load.
"""

import re
from pathlib import Path

from src.services.database.schema_check import NeededSchema

ROOT = Path(__file__).resolve().parents[2]

_MADE = re.compile(
    r"\bCREATE (?:OR REPLACE )?(?:UNIQUE )?(?:TABLE|VIEW|TYPE|FUNCTION|INDEX|SEQUENCE) (?:IF NOT EXISTS )?"
    r"(?:public\.)?(\w+)"
)


def revisions() -> list[str]:
    """Returns every revision that this program knows, the oldest first. Their files begin with their numbers."""
    return sorted(path.stem.partition("_")[0] for path in (ROOT / "migrations" / "versions").glob("[0-9]*_*.py"))


def head_revision() -> str:
    """Returns the revision that this program is written for."""
    return revisions()[-1]


def schema_names() -> list[str]:
    """Returns the names of all relations, types and functions that any revision makes in the schema `public`."""
    files = [path for folder in ("sql", "functions") for path in (ROOT / "migrations" / folder).glob("*.sql")]
    made = {name for path in files for name in _MADE.findall(path.read_text(encoding="utf-8"))}
    return sorted(made | {"alembic_version"})


def needed_schema() -> NeededSchema:
    """Returns what a database must have for this program to work with it."""
    return NeededSchema(head_revision(), schema_names())
