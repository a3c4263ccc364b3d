"""Runs Alembic's command on the connection that it is handed, or else on the database of the environment."""

from alembic import context
from sqlalchemy import Connection, create_engine

from src.config import Settings
from src.operations.migrations import migrate
from src.services.database.connection import database_url

if context.is_offline_mode():
    raise SystemExit("There is no offline mode: schema.sql is what `alembic upgrade --sql` would print.")

given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    engine = create_engine(database_url(Settings().database))
    with engine.connect() as connection:
        migrate(connection)
    engine.dispose()
