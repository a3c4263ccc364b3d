"""The schema, from one source: `migrations/sql/`. Alembic runs the files one by one; `schema.sql` is all of them."""

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import create_engine, text

from src.config import DatabaseSettings
from src.domain.errors import OperatorError
from src.services.database.connection import database_url

ROOT = Path(__file__).resolve().parents[2]

_HEADER = """\
-- The whole schema of the course generator, for PostgreSQL 14 or later:
--
--     psql -d learningdb -f schema.sql
--
-- Runs again without harm, and upgrades a database that holds the original tables, rows in place.
-- Made from migrations/sql by `make schema`; change the files there.

BEGIN;
"""

_STAMP = """
-- What `alembic upgrade head` would have written. A newer revision is left as it is.
CREATE TABLE IF NOT EXISTS public.alembic_version (
    version_num VARCHAR(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY
);
INSERT INTO public.alembic_version (version_num)
SELECT '{head}' WHERE NOT EXISTS (SELECT FROM public.alembic_version);
UPDATE public.alembic_version SET version_num = '{head}' WHERE version_num IN ({older});

COMMIT;
"""


class MigrationError(OperatorError):
    """The schema can't be brought to a revision."""


def upgrade(database: DatabaseSettings, revision: str = "head") -> None:
    """Brings the database to `revision`. Two processes that do it at once take turns."""
    _run(database, lambda config: command.upgrade(config, revision))


def downgrade(database: DatabaseSettings, revision: str) -> None:
    """Takes the database back to `revision`; 0001 is the original schema."""
    _run(database, lambda config: command.downgrade(config, revision))


def head_revision() -> str:
    """The revision that this program is written for."""
    return _revisions()[-1]


def render_schema() -> str:
    """The text of `schema.sql`."""
    revisions = _revisions()
    files = sorted(path for path in (ROOT / "migrations" / "sql").glob("*.sql") if not path.stem.endswith(".down"))
    parts = [_HEADER, *(f"\n{path.read_text(encoding='utf-8')}" for path in files)]
    older = ", ".join(f"'{revision}'" for revision in revisions[:-1])
    return "".join(parts) + _STAMP.format(head=revisions[-1], older=older)


def _run(database: DatabaseSettings, action: Callable[[Config], None]) -> None:
    engine = create_engine(database_url(database))
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('course-generator schema', 0))"))
            config = _config()
            config.attributes["connection"] = connection
            try:
                action(config)
            except CommandError as error:
                raise MigrationError(f"migrations: {error}") from error
    finally:
        engine.dispose()


def _config() -> Config:
    return Config(str(ROOT / "alembic.ini"))


def _revisions() -> list[str]:
    scripts = ScriptDirectory.from_config(_config())
    return [script.revision for script in reversed(list(scripts.walk_revisions()))]
