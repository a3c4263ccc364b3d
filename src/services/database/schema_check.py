"""The check whether the database answers and has the schema that this program needs."""

from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.exc import ProgrammingError, SQLAlchemyError

from src.domain.text import printable
from src.services.database.connection import Database, is_away
from src.services.database.statements import sql


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A reason why nothing can be done with the database."""

    reason: str
    """One line that tells operators what is wrong and what to do."""
    away: bool
    """Whether nothing answers at all."""


async def obstacle(database: Database, needed: str) -> Obstacle | None:
    """Returns what keeps this program from using the database, or None. Asks only once.

    `needed`: the oldest revision of the schema that this program works with.
    """

    def work(connection: Connection) -> str:
        return str(connection.execute(sql("schema_revision")).scalar_one())

    try:
        found = await database.run(work, patience=0)  # no retries: the caller says at once what is in the way
    except ProgrammingError:
        reason = "it has no tables of this program: run `python app.py db upgrade`, or psql with schema.sql"
        return Obstacle(reason, away=False)
    except SQLAlchemyError as error:
        return Obstacle(printable(str(getattr(error, "orig", error)).strip()), is_away(error))
    # A newer schema is fine: it is written to serve the last release too, while workers are replaced.
    if found < needed:
        reason = f"its schema is {found}, this program needs {needed}: run `python app.py db upgrade`"
        return Obstacle(reason, away=False)
    return None


def creators(connection: Connection) -> list[str]:
    """Returns the roles, PUBLIC for all of them, that may create things in the schema `public` and need not.

    Who may create there can make a function that other programs take for one of PostgreSQL's own. This program looks
    for none there.
    """
    return list(connection.execute(sql("schema_creators")).scalars())


def loose_triggers(connection: Connection) -> list[tuple[str, str]]:
    """Returns functions of triggers that set no search_path, each with its table."""
    return [(row.function, row.relation) for row in connection.execute(sql("loose_triggers"))]
