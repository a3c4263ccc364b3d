"""Functions and triggers: one file each, applied when they must be and never by an older program (fault 57)."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psycopg2
import pytest

from src.config import DatabaseSettings
from src.devtools.local_postgres import LocalPostgres
from src.operations import known_schema, migrations
from src.operations.known_schema import ROOT, head_revision
from src.operations.migrations import MigrationError, digest, downgrade, functions, render_schema, upgrade
from tests.dump import assert_same, dump
from tests.sql import Psql, locked

SCHEMA = str(ROOT / "schema.sql")
HEAD = head_revision()
NEXT = f"{int(HEAD) + 1:04}"

IN_FORCE = "SELECT prosrc FROM pg_proc WHERE oid = 'error_is_retryable'::regproc"
CHANGED = "CREATE OR REPLACE FUNCTION error_is_retryable(code TEXT) RETURNS BOOLEAN LANGUAGE sql AS 'SELECT TRUE'"

# A worker of the last release runs on the newest schema too, so what it calls stays as it is: another signature is
# another name. A line goes a release after the last call. The last two are for queries of other programs (DATABASE.md).
SIGNATURES = {
    "course_quality": "jsonb (course uuid)",
    "hold_lease": "boolean (course uuid, lease uuid)",
    "repeat_result": "boolean (course uuid, reply_to text DEFAULT NULL::text, correlation text DEFAULT NULL::text)",
    "quality_count": "integer (quality jsonb, name text)",
    "quality_figure": "numeric (quality jsonb, name text)",
}


def on_record(psql: Psql) -> dict[str, str]:
    return {row["name"]: row["digest"] for row in psql.rows("SELECT * FROM schema_functions")}


def digests() -> dict[str, str]:
    return {name: digest(definition) for name, definition in functions().items()}


@pytest.fixture
def one_try(monkeypatch: pytest.MonkeyPatch) -> None:
    """An upgrade that doesn't get its locks gives up at once."""
    monkeypatch.setattr(migrations, "_GIVE_UP", "SET LOCAL lock_timeout = '100ms'")
    monkeypatch.setattr(migrations, "_MOST_TRIES", 1)


def wait_for_locks(psql: Psql, database: DatabaseSettings, longest: str) -> None:
    """Whoever waits longer for a lock from now on fails instead of hanging."""
    psql.run(f"ALTER DATABASE {database.name} SET lock_timeout = '{longest}'")


class TestFiles:
    def test_every_function_and_trigger_of_the_database_has_its_one_definition(self, psql: Psql) -> None:
        triggers = []
        for name, definition in functions().items():
            assert re.findall(r"CREATE OR REPLACE FUNCTION public\.(\w+)\(", definition) == [name]
            assert set(re.findall(r"EXECUTE FUNCTION public\.(\w+)\(", definition)) <= {name}
            triggers += re.findall(r"CREATE OR REPLACE TRIGGER (\w+)", definition)
        made = psql.rows(
            "SELECT proname AS name FROM pg_proc p WHERE pronamespace = 'public'::regnamespace AND NOT EXISTS"
            " (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') ORDER BY 1"
        )
        assert [row["name"] for row in made] == list(functions())
        made = psql.rows("SELECT tgname AS name FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1")
        assert [row["name"] for row in made] == sorted(triggers)

    def test_what_they_say_is_checked_once_all_of_them_are_there(self, psql: Psql) -> None:
        """While they are applied it isn't, so that their order doesn't matter."""
        psql.run("".join(functions().values()))

    def test_what_a_released_worker_calls_keeps_its_signature(self, psql: Psql) -> None:
        calls = "|".join(functions())
        called = {
            name
            for file in (ROOT / "src").rglob("*.sql")
            for name in re.findall(rf"\b({calls})\(", re.sub("--.*", "", file.read_text()))
        }
        made = {
            row["name"]: f"{row['result']} ({row['arguments']})"
            for row in psql.rows(
                "SELECT proname AS name, pg_get_function_result(oid) AS result,"
                " pg_get_function_arguments(oid) AS arguments"
                " FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
            )
        }
        assert called <= SIGNATURES.keys()
        assert {name: made.get(name) for name in SIGNATURES} == SIGNATURES


class TestUpgrade:
    def test_a_database_that_is_up_to_date_is_left_without_a_lock_on_courses(
        self, psql: Psql, database_settings: DatabaseSettings
    ) -> None:
        """CREATE TRIGGER would wait for every transaction that writes courses, and all that come after it for that."""
        wait_for_locks(psql, database_settings, "10s")
        before = on_record(psql)
        with locked("courses", database_settings, "ACCESS EXCLUSIVE"):
            upgrade(database_settings)
        assert on_record(psql) == before == digests()

    @pytest.mark.usefixtures("one_try")
    def test_only_what_differs_from_the_record_is_applied(
        self, psql: Psql, database_settings: DatabaseSettings
    ) -> None:
        newest = psql.value(IN_FORCE)
        psql.run(CHANGED)
        wait_for_locks(psql, database_settings, "10s")
        with locked("courses", database_settings, "ACCESS EXCLUSIVE"):
            upgrade(database_settings)
            assert psql.value(IN_FORCE) == "SELECT TRUE"

            psql.run("UPDATE schema_functions SET digest = 'older' WHERE name = 'error_is_retryable'")
            psql.run("INSERT INTO schema_functions VALUES ('that_is_gone', 'older')")
            upgrade(database_settings)
            assert psql.value(IN_FORCE) == newest
            assert on_record(psql) == digests()

            psql.run("UPDATE schema_functions SET digest = 'older' WHERE name = 'courses_check_status'")
            with pytest.raises(Exception, match="lock timeout"):
                upgrade(database_settings)
        assert on_record(psql)["courses_check_status"] == "older"

    def test_schema_sql_puts_all_of_them_in_force_and_on_record(self, psql: Psql) -> None:
        newest = psql.value(IN_FORCE)
        psql.run(CHANGED)
        psql.run("UPDATE schema_functions SET digest = 'older'; INSERT INTO schema_functions VALUES ('gone', 'older')")
        psql.file(SCHEMA)
        assert psql.value(IN_FORCE) == newest
        assert on_record(psql) == digests()

    @pytest.mark.usefixtures("one_try")
    @pytest.mark.parametrize("way", ["schema.sql", "alembic"])
    def test_two_at_once_take_turns(self, psql: Psql, database_settings: DatabaseSettings, way: str) -> None:
        wait_for_locks(psql, database_settings, "100ms")
        with (
            psycopg2.connect(
                host=database_settings.host,
                port=database_settings.port,
                user=database_settings.user,
                password=database_settings.password,
                dbname=database_settings.name,
            ) as other,
            other.cursor() as cursor,
        ):
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('course-generator schema', 0))")
            with pytest.raises(Exception, match="lock timeout"):
                upgrade(database_settings) if way == "alembic" else psql.file(SCHEMA)
        other.close()

    def test_the_program_alembic_does_the_same_and_only_looks_when_it_is_asked_to(
        self, postgres: LocalPostgres, psql: Psql, database_settings: DatabaseSettings
    ) -> None:
        psql.run("UPDATE schema_functions SET digest = 'older' WHERE name = 'error_is_retryable'")
        environment = {**os.environ, **postgres.environment(database_settings.name)}
        for command in ("current", "upgrade head"):
            before = on_record(psql)
            alembic = [sys.executable, "-m", "alembic", *command.split()]
            subprocess.run(alembic, cwd=ROOT, env=environment, check=True, capture_output=True)
            assert on_record(psql) == (before if command == "current" else digests())


NextRelease = Callable[[], AbstractContextManager[None]]

REVISION = f"""
from pathlib import Path
from alembic import op
revision, down_revision = "{NEXT}", "{HEAD}"
def upgrade():
    op.execute("ALTER TABLE public.outbox ADD COLUMN newer TEXT")
def downgrade():
    op.execute("ALTER TABLE public.outbox DROP COLUMN newer")
    op.execute(Path(__file__).with_suffix(".sql").read_text())
"""


@pytest.fixture
def next_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NextRelease:
    """While it lasts, this program is that of the next release, with a column more and another error_is_retryable."""
    shutil.copy(ROOT / "alembic.ini", tmp_path)
    folder = shutil.copytree(ROOT / "migrations", tmp_path / "migrations")
    (folder / "sql" / f"{NEXT}_next.sql").write_text("ALTER TABLE public.outbox ADD COLUMN IF NOT EXISTS newer TEXT;\n")
    (folder / "versions" / f"{NEXT}_next.py").write_text(REVISION)
    changed = folder / "functions" / "error_is_retryable.sql"
    shutil.copy(changed, folder / "versions" / f"{NEXT}_next.sql")
    changed.write_text(changed.read_text().replace("'internal')", "'internal', 'newer')"))

    @contextmanager
    def released() -> Iterator[None]:
        with monkeypatch.context() as patch:
            for module in (migrations, known_schema):
                patch.setattr(module, "ROOT", tmp_path)
            yield

    return released


class TestNextRelease:
    def test_functions_are_applied_on_arrival_at_the_newest_revision_and_not_before(
        self, psql: Psql, database_settings: DatabaseSettings, next_release: NextRelease
    ) -> None:
        psql.run(CHANGED)
        with next_release():
            upgrade(database_settings, HEAD)
            assert (psql.value(IN_FORCE), on_record(psql)) == ("SELECT TRUE", {})
            for _ in range(2):
                upgrade(database_settings)
                assert "'newer'" in psql.value(IN_FORCE)
                assert on_record(psql) == digests()
                downgrade(database_settings, HEAD)
                assert "'newer'" not in psql.value(IN_FORCE)

    def test_both_ways_make_the_same_database(
        self,
        postgres: LocalPostgres,
        psql_empty: Psql,
        empty_database: DatabaseSettings,
        database_settings: DatabaseSettings,
        next_release: NextRelease,
        tmp_path: Path,
    ) -> None:
        upgrade(empty_database)
        with next_release():
            upgrade(database_settings)
            (tmp_path / "schema.sql").write_text(render_schema())
        psql_empty.file(str(tmp_path / "schema.sql"))
        assert_same(dump(postgres, empty_database, rows=True), dump(postgres, database_settings, rows=True))

    def test_the_program_of_before_changes_nothing_and_says_why(
        self, postgres: LocalPostgres, psql: Psql, database_settings: DatabaseSettings, next_release: NextRelease
    ) -> None:
        with next_release():
            upgrade(database_settings)
        newer = dump(postgres, database_settings, rows=True)
        said = rf"is at revision {NEXT}, which this program \(head {HEAD}\) doesn't know; nothing was changed"
        with pytest.raises(MigrationError, match=said):
            upgrade(database_settings)
        with pytest.raises(MigrationError, match=said):
            downgrade(database_settings, "0010")
        printed = psql.file(SCHEMA)
        assert f"WARNING:  the database is at revision {NEXT}, which this file ({HEAD}) doesn't know" in printed
        assert_same(dump(postgres, database_settings, rows=True), newer)

    def test_back_from_it_the_program_of_before_goes_on_as_if_it_had_not_been(
        self, postgres: LocalPostgres, database_settings: DatabaseSettings, next_release: NextRelease
    ) -> None:
        before = dump(postgres, database_settings, rows=True)
        with next_release():
            upgrade(database_settings)
            downgrade(database_settings, HEAD)
        assert_same(dump(postgres, database_settings), dump(postgres, postgres.settings("template")))
        upgrade(database_settings)
        assert_same(dump(postgres, database_settings, rows=True), before)
