"""Keeps the schema in one source: `migrations/sql` and `migrations/functions`.

Alembic runs the files of the revisions one by one and, on arrival at the newest, those of the functions that have
changed; `schema.sql` is made of all of them.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable

from alembic import command, context
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError

from src.config import DatabaseSettings
from src.domain.backoff import backoff
from src.domain.errors import OperatorError
from src.operations.known_schema import ROOT, head_revision, needed_schema, revisions
from src.operations.strangers import look_for_planted, look_for_shadows, refuse_planted, refuse_shadows
from src.services.database.connection import (
    ONLY_BUILT_IN_NAMES,
    SEARCH_PATH,
    Database,
    database_url,
    first_lines,
    is_locked,
)
from src.services.database.schema_check import creators, loose_triggers, obstacle
from src.services.database.server_check import server_fault

# The last revision whose functions look names up in `public`, where others may have made some.
_LAST_TO_LOOK_IN_PUBLIC = "0010"
# Whoever waits for a lock on a table keeps all waiting that come later, so an upgrade gives up soon and tries again.
_GIVE_UP = "SET LOCAL lock_timeout = '5s'"
_MOST_TRIES = 12
_WHO_HOLDS_LOCKS = (
    "somebody keeps a transaction open: SELECT pid, usename, query FROM pg_stat_activity"
    " WHERE state = 'idle in transaction'"
)
# Processes that change the schema take turns: two at once would both go by the same stamp.
_TAKE_TURN = "pg_advisory_xact_lock(hashtextextended('course-generator schema', 0))"

# The whole file is one DO, because nothing else in plain SQL can skip the rest of a file. psql goes on after an error,
# and would report one more for each statement that follows; its own \if is unknown to other programs that run the file.
_HEADER = """\
-- The whole schema of the course generator, for PostgreSQL 14 or later:
--
--     psql -d learningdb -f schema.sql
--
-- It runs again without harm, and upgrades a database that holds the original tables or an earlier revision of these,
-- rows in place. A database at a revision that this file doesn't know is left as it is.
-- Made from migrations/sql and migrations/functions by `make schema`; change the files there.

BEGIN;

-- Names are looked up where nobody but a superuser can make any.
SET LOCAL search_path = pg_catalog, pg_temp;

-- This comes before the rest, which a database of another encoding may not even be able to receive.
DO $$
BEGIN
    IF current_setting('server_encoding') <> 'UTF8' THEN
        RAISE EXCEPTION 'The database % has the encoding %; courses need UTF8',
            current_database(), current_setting('server_encoding')
            USING HINT = 'CREATE DATABASE learningdb ENCODING ''UTF8'' TEMPLATE template0';
    END IF;
END
$$;

DO $schema$
DECLARE
    stamp TEXT;
BEGIN
PERFORM {take_turn};
-- Whoever waits for a lock on a table keeps all others waiting who come later. Run the file again.
{give_up};
{planted}
IF to_regclass('public.alembic_version') IS NOT NULL THEN
    SELECT version_num INTO stamp FROM public.alembic_version;
    IF stamp NOT IN ({known}) THEN
        RAISE WARNING 'the database is at revision %, which this file ({head}) doesn''t know; nothing was changed',
            stamp USING HINT = 'Use the schema.sql of the newest program that works with this database.';
        RETURN;
    END IF;
END IF;
{shadows}
-- The functions of a revision may name what a later revision has taken away.
SET LOCAL check_function_bodies = off;
"""

_STAMP = """
-- What `alembic upgrade head` would have written.
DELETE FROM public.schema_functions;
INSERT INTO public.schema_functions (name, digest) VALUES
{digests};
CREATE TABLE IF NOT EXISTS public.alembic_version (
    version_num VARCHAR(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY
);
DELETE FROM public.alembic_version;
INSERT INTO public.alembic_version (version_num) VALUES ('{head}');
END
$schema$;

COMMIT;
"""


class MigrationError(OperatorError):
    """The schema can't be brought to a revision."""


def upgrade(database: DatabaseSettings, revision: str = "head") -> None:
    """Brings the database to `revision`. Two processes that do it at once take turns.

    Raises `MigrationError` if the database is at a revision that this program doesn't know, or if `revision` doesn't
    exist.
    """
    _run(database, lambda config: command.upgrade(config, revision))


def downgrade(database: DatabaseSettings, revision: str) -> None:
    """Takes the database back to `revision`; 0001 is the original schema. Raises `MigrationError` as `upgrade` does."""
    _run(database, lambda config: command.downgrade(config, revision))


def obstacle_to(database: DatabaseSettings) -> str | None:
    """Returns what keeps a worker from using the database, in one line that says what to do, or None."""
    opened = Database(database, "course-generator-check")
    try:
        found = asyncio.run(obstacle(opened, needed_schema()))
        return None if found is None else found.reason
    finally:
        opened.dispose()


def faults_of(database: DatabaseSettings) -> list[str]:
    """Returns what is wrong with the schema and with the rights on it, a line each that says what to do."""
    if in_the_way := obstacle_to(database):
        return [f"database: {in_the_way}"]

    def look(connection: Connection) -> list[str]:
        faults = []
        for role in creators(connection):
            who = "every role (PUBLIC)" if role == "PUBLIC" else f"the role {role}"
            held_by = "PUBLIC" if role == "PUBLIC" else connection.dialect.identifier_preparer.quote(role)
            faults.append(
                f"{who} may create things in the schema public, which other programs may take for PostgreSQL's own:"
                f" REVOKE CREATE ON SCHEMA public FROM {held_by}"
            )
        for function, relation in loose_triggers(connection):
            faults.append(
                f"the trigger function {function} on {relation} sets no search_path, so it finds nothing"
                f" of public's when a worker writes: ALTER FUNCTION {function} SET search_path = public, pg_temp"
            )
        try:
            look_for_shadows(connection)
        except CommandError as error:
            faults.append(str(error))
        return faults

    opened = Database(database, "course-generator-check")
    try:
        return opened.run_blocking(look)
    finally:
        opened.dispose()


def functions() -> dict[str, str]:
    """Returns the current definition of each function, with the triggers that call it, by the function's name."""
    files = sorted((ROOT / "migrations" / "functions").glob("*.sql"))
    return {path.stem: path.read_text(encoding="utf-8") for path in files}


def digest(definition: str) -> str:
    """Returns what the table `schema_functions` records of a definition: its SHA-256 (hex)."""
    return hashlib.sha256(definition.encode()).hexdigest()


def render_schema() -> str:
    """Returns the text of `schema.sql`."""
    known = revisions()
    files = sorted(path for path in (ROOT / "migrations" / "sql").glob("*.sql") if not path.stem.endswith(".down"))
    current = functions()
    digests = ",\n".join(f"    ('{name}', '{digest(definition)}')" for name, definition in current.items())
    names = ", ".join(f"'{revision}'" for revision in known)
    return "".join(
        (
            _HEADER.format(
                take_turn=_TAKE_TURN,
                give_up=_GIVE_UP,
                planted=_executed("planted", refuse_planted()),
                known=names,
                head=known[-1],
                shadows=_executed("shadows", refuse_shadows()),
            ),
            *(_executed("revision", path.read_text(encoding="utf-8")) for path in files),
            *(_executed("function", definition) for definition in current.values()),
            _STAMP.format(head=known[-1], digests=digests),
        )
    )


def migrate(connection: Connection) -> None:
    """Runs the command of Alembic that is under way, in one transaction. migrations/env.py calls it."""
    context.configure(connection=connection, version_table_schema="public")
    with context.begin_transaction():
        connection.exec_driver_sql(ONLY_BUILT_IN_NAMES)
        migration = context.get_context()
        only_looks = bool(migration.opts.get("dont_mutate"))  # `alembic current`
        if fault := server_fault(connection, SEARCH_PATH, writes=not only_looks):
            raise CommandError(fault)
        connection.execute(text(f"SELECT {_TAKE_TURN}"))
        connection.exec_driver_sql(_GIVE_UP)
        look_for_planted(connection)
        if not only_looks and _looks_in_public(migration.get_current_revision()):
            look_for_shadows(connection)
        try:
            context.run_migrations()
        except CommandError as error:
            head = head_revision()
            if unknown := set(migration.get_current_heads()) - set(revisions()):
                raise CommandError(
                    f"the database is at revision {', '.join(unknown)}, which this program (head {head}) doesn't know;"
                    " nothing was changed. Use the newest program that works with this database"
                ) from error
            raise
        if not only_looks:
            _apply_functions(connection, migration.get_current_revision())
            # Once more, as somebody may have made something since.
            look_for_planted(connection)


def _looks_in_public(current: str | None) -> bool:
    """Returns whether the way from `current`, or the revision that it leads to, looks names up in `public`."""
    return (current or "") < _LAST_TO_LOOK_IN_PUBLIC or context.get_revision_argument() not in ("head", head_revision())


def _apply_functions(connection: Connection, revision: str | None) -> None:
    """Executes those files of functions that have changed, if the database is at the newest revision.

    The others are left alone: CREATE TRIGGER waits for every transaction that writes courses, and all later ones wait
    for it.
    """
    if connection.execute(text("SELECT to_regclass('public.schema_functions')")).scalar_one() is None:
        return
    current = functions()
    wanted = [{"name": name, "digest": digest(definition)} for name, definition in current.items()]
    rows = connection.execute(text("SELECT name, digest FROM public.schema_functions")).mappings()
    on_record = {row["name"]: row["digest"] for row in rows}
    if revision != head_revision():
        # On the way up or down, the functions in force may be neither those on record nor those of the files.
        connection.execute(text("DELETE FROM public.schema_functions"))
    elif on_record != {row["name"]: row["digest"] for row in wanted}:
        # A function may need another one whose file comes later.
        connection.execute(text("SET LOCAL check_function_bodies = off"))
        for row in wanted:
            if on_record.get(row["name"]) != row["digest"]:
                # Without parameters, '%' and ':name' in the text are no placeholders.
                connection.exec_driver_sql(current[row["name"]], execution_options={"no_parameters": True})
        connection.execute(text("DELETE FROM public.schema_functions"))
        connection.execute(text("INSERT INTO public.schema_functions (name, digest) VALUES (:name, :digest)"), wanted)


def _executed(kind: str, statements: str) -> str:
    quote = f"${kind}$"
    if quote in statements:
        raise ValueError(f"{quote} is what schema.sql puts around each file; none may contain it: {statements[:80]}")
    return f"\nEXECUTE {quote}\n{statements}{quote};\n"


def _run(database: DatabaseSettings, action: Callable[[Config], None]) -> None:
    engine = create_engine(database_url(database))
    config = _config()
    try:
        for tries in range(1, _MOST_TRIES + 1):
            try:
                with engine.begin() as connection:
                    config.attributes["connection"] = connection
                    action(config)
                return
            except CommandError as error:
                raise MigrationError(f"migrations: {error}") from error
            except DBAPIError as error:
                if not is_locked(error):
                    raise
                if tries == _MOST_TRIES:
                    raise MigrationError(f"migrations: {first_lines(error)}; {_WHO_HOLDS_LOCKS}") from error
            # Those that came later get their turns meanwhile.
            time.sleep(backoff(tries, 1.0, 10.0))
    finally:
        engine.dispose()


def _config() -> Config:
    return Config(str(ROOT / "alembic.ini"))
