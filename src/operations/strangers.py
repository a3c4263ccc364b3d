"""Looks for what others may have put into the schema `public`, where many may create things, before it is changed.

Both kinds are looked for in `pg_catalog` alone: *planted* is what has a name of ours, and *shadows* are what could be
called in place of PostgreSQL's own by revisions that look names up in `public`.
"""

from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from src.operations.known_schema import ROOT, schema_names
from src.services.database.connection import first_lines
from src.services.database.schema_check import planted, planted_error, planted_query

_REFUSE_PLANTED = """\
DO $$
DECLARE
    strange TEXT;
BEGIN
    SELECT string_agg(p.name || ' (of the role ' || p.owner || ')', ', ') INTO strange FROM (
{query}) p;
    IF strange IS NOT NULL THEN
        RAISE EXCEPTION 'the schema public holds things under names of this program that others made: %', strange
            USING HINT = 'Drop them, or if their owner is to be trusted, upgrade and work as that role, or give them to'
                         ' yours (ALTER … OWNER TO): DATABASE.md, "Rights".';
    END IF;
END
$$;
"""


def look_for_planted(connection: Connection) -> None:
    """Raises `CommandError` if something that has a name of ours belongs to a role that can't be trusted."""
    if strange := planted(connection, schema_names(), as_worker=False):
        raise CommandError(planted_error(strange))


def look_for_shadows(connection: Connection) -> None:
    """Raises `CommandError` if something could be taken for a thing of PostgreSQL's own."""
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(refuse_shadows(), execution_options={"no_parameters": True})
    except DBAPIError as error:
        raise CommandError(first_lines(error)) from error


def refuse_planted() -> str:
    """Returns what `schema.sql` does to look for what is planted."""
    return _REFUSE_PLANTED.format(query=planted_query(schema_names()))


def refuse_shadows() -> str:
    """Returns what `schema.sql` does to look for shadows."""
    return (ROOT / "migrations" / "refuse_shadows.sql").read_text(encoding="utf-8")
