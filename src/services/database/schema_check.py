"""The check whether the database answers and has the schema that this program needs."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from src.domain.text import printable
from src.services.database.connection import LIMITS, SEARCH_PATH, Database, is_away, sqlstate, told
from src.services.database.server_check import server_fault
from src.services.database.statements import sql, text_of

_NO_TABLES = {
    "42P01": "it has no tables of this program: run `python app.py db upgrade`, or psql with schema.sql",
    "42501": 'this role may not read the tables of this program: let their owner grant it, see DATABASE.md, "Rights"',
}
# How many things of others are named.
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A reason why nothing can be done with the database."""

    reason: str
    """One line that tells operators what is wrong and what to do."""
    away: bool
    """Whether nothing answers at all."""


@dataclass(frozen=True, slots=True)
class NeededSchema:
    """The schema that this program works with."""

    revision: str
    """The oldest that will do."""
    names: Sequence[str]
    """What its relations, types and functions are called."""


async def obstacle(database: Database, needed: NeededSchema) -> Obstacle | None:
    """Returns what keeps this program from using the database, or None. Asks only once."""

    def work(connection: Connection) -> str | None:
        fault = server_fault(connection, {**SEARCH_PATH, **LIMITS})
        if fault is not None:
            return fault
        # Even to read the revision would run what somebody has put there, if it is a view of his.
        if strange := planted(connection, needed.names, as_worker=True):
            return planted_error(strange)
        return _outdated(str(connection.execute(sql("schema_revision")).scalar_one()), needed)

    try:
        # No retries: the caller says at once what is in the way.
        fault = await database.run(work, patience=0)
    except DBAPIError as error:
        return Obstacle(_NO_TABLES.get(sqlstate(error) or "") or told(error), is_away(error))
    except SQLAlchemyError as error:
        return Obstacle(printable(str(error)), is_away(error))
    if fault is not None:
        database.reconnect()
        return Obstacle(fault, away=False)
    return None


def _outdated(found: str, needed: NeededSchema) -> str | None:
    # A newer schema is fine: it is written to serve the last release too, while workers are replaced.
    if found >= needed.revision:
        return None
    return f"its schema is {found}, this program needs {needed.revision}: run `python app.py db upgrade`"


def planted(connection: Connection, names: Sequence[str], *, as_worker: bool) -> list[str]:
    """Returns what has one of `names` in the schema `public`, but belongs to a role that is no reason to be trusted.

    With `as_worker` the owner of the courses is trusted as well, if the caller is no superuser.
    """
    found = connection.execute(sql("planted"), {"names": list(names), "as_worker": as_worker})
    return [f"{row.name} (of the role {row.owner})" for row in found]


def planted_query(names: Sequence[str]) -> str:
    """Returns the query of `planted` as plain SQL, for those who upgrade with `schema.sql`."""
    lines = [line for line in text_of("planted").splitlines(keepends=True) if not line.startswith("--")]
    literals = ", ".join(f"'{name}'" for name in names)
    return "".join(lines).replace(":names", f"ARRAY[{literals}]").replace(":as_worker", "FALSE")


def planted_error(strange: Sequence[str]) -> str:
    """Returns the line that names what `planted` has found, and says what to do."""
    first, more = strange[:_NAMED], len(strange) - _NAMED
    return (
        f"the schema public holds things under names of this program that others made: {printable(', '.join(first))}"
        f"{f' and {more} more' if more > 0 else ''}; drop them, or if their owner is to be trusted, upgrade and work as"
        ' that role, or give them to yours (ALTER … OWNER TO): DATABASE.md, "Rights"'
    )


def creators(connection: Connection) -> list[str]:
    """Returns the roles, PUBLIC for all of them, that may create things in the schema `public` and need not.

    Who may create there can make a function that other programs take for one of PostgreSQL's own. This program looks
    for none there.
    """
    return list(connection.execute(sql("schema_creators")).scalars())


def loose_triggers(connection: Connection) -> list[tuple[str, str]]:
    """Returns functions of triggers that set no search_path, each with its table."""
    return [(row.function, row.relation) for row in connection.execute(sql("loose_triggers"))]
