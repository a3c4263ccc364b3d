"""What waits in the database."""

from src.services.database.connection import Database
from src.services.database.statements import sql


async def backlog(database: Database) -> dict[str, float]:
    """Returns how many courses, messages and files wait, and for how long; see backlog.sql. Asks once."""
    return await database.run(lambda connection: dict(connection.execute(sql("backlog")).mappings().one()), patience=0)
