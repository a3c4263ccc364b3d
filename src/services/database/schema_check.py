"""Whether the database answers and has the schema that this program needs."""

from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.exc import ProgrammingError, SQLAlchemyError

from src.domain.text import printable
from src.services.database.connection import Database, is_away
from src.services.database.statements import sql


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What is in the way of working with the database."""

    reason: str
    """One line for operators, with what to do."""
    away: bool
    """Nothing answers at all."""


async def obstacle(database: Database, needed: str) -> Obstacle | None:
    """Returns what is in the way, or None. Asks once. `needed`: the oldest revision that this program works with."""

    def work(connection: Connection) -> str:
        return str(connection.execute(sql("schema_revision")).scalar_one())

    try:
        found = await database.run(work, patience=0)  # at once: the caller says what is in the way
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
