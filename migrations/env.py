"""Alembic's entry: runs the revisions on the connection it is handed, else on the database of the environment."""

from alembic import context
from sqlalchemy import Connection, create_engine

from src.config import Settings
from src.services.database.connection import database_url


def _migrate(connection: Connection) -> None:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("There is no offline mode: schema.sql is what `alembic upgrade --sql` would print.")

given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    _migrate(given)
else:
    engine = create_engine(database_url(Settings().database))
    with engine.connect() as connection:
        _migrate(connection)
    engine.dispose()
