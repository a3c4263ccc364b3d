"""Figures of what waits in the database."""

from src.services.database.connection import Database
from src.services.database.statements import sql


async def backlog(database: Database) -> dict[str, float]:
    """Returns how many courses, messages and files wait, and for how many seconds; see backlog.sql. Asks only once."""
    return await database.run(lambda connection: dict(connection.execute(sql("backlog")).mappings().one()), patience=0)
