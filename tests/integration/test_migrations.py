"""The schema: two ways to make it that must agree, earlier states upgraded in place, and the way back (fault 57)."""

import hashlib
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.exc import DBAPIError

from src.config import DatabaseSettings
from src.devtools.local_postgres import LocalPostgres
from src.operations.known_schema import ROOT, head_revision, revisions
from src.operations.migrations import downgrade, functions, render_schema, upgrade
from tests.dump import assert_same, dump
from tests.sql import Psql, SQLError

DATA = Path(__file__).parents[1] / "data"
ORIGINAL = DATA / "original_schema.sql"
SCHEMA = str(ROOT / "schema.sql")
EARLIER = revisions()[:-1]


@pytest.fixture
def original(psql_empty: Psql) -> Psql:
    """A database of the original service with ten courses in every state, as it left them."""
    psql_empty.file(str(ORIGINAL))
    return psql_empty


def rows(psql: Psql) -> dict[str, list[dict[str, object]]]:
    """Every row of the original tables, in their original columns."""
    columns = {
        "courses": "id, user_id, slug, title, topic, grade_level, source_filter, total_lessons, outline_json, status,"
        " error_message, generated_at, created_at, updated_at",
        "lessons": "id, course_id, lesson_number, title, description, key_concepts, learning_objectives, sources,"
        " generated_at, created_at, updated_at",
        "lesson_bodies": "lesson_id AS id, content_md, content_json, updated_at",
        "lesson_checks": "id, lesson_id, q_order, question, answer, created_at",
        "v_course_summary": "*",
        "v_course_lessons": "course_id AS id, lesson_number, title",
        "v_lessons_full": "*",
    }
    return {table: psql.rows(f"SELECT {names} FROM {table} ORDER BY 1, 2") for table, names in columns.items()}


# The first revision that came with the functions of migrations/functions. From it on, those of then are those of today,
# but for the ones that later revisions changed: their down files put these back.
FUNCTIONS_SINCE = "0012"
FUNCTION = re.compile(r"^CREATE OR REPLACE FUNCTION .*?^\$\$;$", re.DOTALL | re.MULTILINE)


def upgrade_as_then(server: LocalPostgres, settings: DatabaseSettings, revision: str) -> None:
    """Brings a database to a revision as the program did that knew no later one: with its functions."""
    upgrade(settings, revision)
    if revision >= FUNCTIONS_SINCE:
        psql = Psql(server, settings)
        for definition in functions().values():
            psql.run(f"SET check_function_bodies = off; {definition}")
        for later in reversed([number for number in revisions() if number > revision]):
            (down,) = (ROOT / "migrations" / "sql").glob(f"{later}_*.down.sql")
            for definition in FUNCTION.findall(down.read_text()):
                psql.run(f"SET check_function_bodies = off; {definition}")


class States:
    """Databases as they were at earlier revisions, with rows in every table. Each is made once, from the one before."""

    def __init__(self, server: LocalPostgres) -> None:
        self._server = server
        self._made: set[str] = set()

    def copy(self, state: str) -> DatabaseSettings:
        """A database of its own; `state`: a revision, or `original`."""
        name = f"copy_{uuid4().hex}"
        self._server.create_database(name, self._template(state))
        return self._server.settings(name)

    def _template(self, state: str) -> str:
        name = f"rows_{state}"
        if name not in self._made:
            before = EARLIER.index(state) - 1 if state in EARLIER else -1
            self._server.create_database(name, "template0" if before < 0 else self._template(EARLIER[before]))
            psql = Psql(self._server, self._server.settings(name))
            if state == "original":
                psql.file(str(ORIGINAL))
            else:
                upgrade_as_then(self._server, self._server.settings(name), state)
                psql.file(str(DATA / "rows" / f"{state}.sql"))
            empty = [table for table, rows in contents(psql, columns(psql)).items() if not rows]
            assert not empty, f"tests/data/rows/{state}.sql leaves tables without rows: {empty}"
            self._made.add(name)
        return name


@pytest.fixture(scope="module")
def states(postgres: LocalPostgres) -> States:
    return States(postgres)


def columns(psql: Psql) -> dict[str, list[str]]:
    """The columns of every table but those that say which schema it is."""
    found = psql.rows(
        "SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position) AS names"
        " FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)"
        " WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
        " AND table_name NOT IN ('alembic_version', 'schema_functions') GROUP BY 1"
    )
    return {row["table_name"]: row["names"] for row in found}


def contents(psql: Psql, tables: dict[str, list[str]]) -> dict[str, list[Any]]:
    """The rows of `tables`, in these columns."""
    each = ", ".join(
        f"'{table}', (SELECT coalesce(json_agg(r ORDER BY r::text), '[]')"
        f" FROM (SELECT {', '.join(names)} FROM {table}) r)"
        for table, names in tables.items()
    )
    return dict(psql.value(f"SELECT json_build_object({each})"))


@pytest.fixture(scope="module")
def newest(postgres: LocalPostgres) -> str:
    """The schema of a database that was never at another revision."""
    return dump(postgres, postgres.settings("template"))


@pytest.mark.parametrize("state", ["original", *EARLIER])
def test_every_earlier_state_is_upgraded_by_both_ways_to_the_same_dump_with_its_rows_in_place(
    postgres: LocalPostgres, states: States, newest: str, state: str
) -> None:
    by_alembic, by_file = states.copy(state), states.copy(state)
    psql = Psql(postgres, by_file)
    tables = columns(psql)
    before = contents(psql, tables)
    upgrade(by_alembic)
    psql.file(SCHEMA)
    assert_same(dump(postgres, by_file, rows=True), dump(postgres, by_alembic, rows=True))
    assert_same(dump(postgres, by_file), newest)
    assert contents(psql, tables) == before


@pytest.mark.parametrize("revision", EARLIER[1:])  # 0001: slug stays a plain column, see DATABASE.md
def test_up_and_down_again_leaves_the_dump_of_a_database_that_was_never_higher(
    postgres: LocalPostgres, states: States, revision: str
) -> None:
    returned, never_higher = states.copy(revision), states.copy(revision)
    upgrade(returned)
    downgrade(returned, revision)
    if Psql(postgres, returned).value("SELECT count(*) FROM pg_extension WHERE extname = 'vector'"):
        # It stays whoever made it.
        Psql(postgres, never_higher).run("CREATE EXTENSION IF NOT EXISTS vector SCHEMA public")
    assert_same(dump(postgres, returned, rows=True), dump(postgres, never_higher, rows=True))


def test_schema_sql_is_what_the_migrations_say() -> None:
    assert_same((ROOT / "schema.sql").read_text(), render_schema())


def test_a_revision_that_databases_have_passed_is_as_it_was() -> None:
    """What they hold was made by these files, and their way back is."""
    passed = hashlib.sha256()
    for file in sorted((ROOT / "migrations").rglob("00*")):
        if file.stem < "0011" and "__pycache__" not in file.parts:
            passed.update(f"{file.relative_to(ROOT).as_posix()}\n{file.read_text()}".encode())
    assert passed.hexdigest() == "3ed5e6a659a1cb36d3541e2420fda125d69cc5aa7b09353c3ec654fdaa91c9ed"


def test_schema_sql_and_alembic_make_the_same_database(
    postgres: LocalPostgres, psql_empty: Psql, empty_database: DatabaseSettings, database_settings: DatabaseSettings
) -> None:
    psql_empty.file(SCHEMA)
    assert_same(dump(postgres, empty_database), dump(postgres, database_settings))
    assert psql_empty.value("SELECT version_num FROM alembic_version") == head_revision()


def test_schema_sql_runs_again_without_harm(
    postgres: LocalPostgres, psql: Psql, database_settings: DatabaseSettings
) -> None:
    psql.run("INSERT INTO courses (user_id, topic, title, grade_level) VALUES (gen_random_uuid(), 't', 't', 'g')")
    before, row = dump(postgres, database_settings), psql.row("SELECT * FROM courses")
    psql.file(SCHEMA)
    psql.file(SCHEMA)
    assert_same(dump(postgres, database_settings), before)
    assert psql.row("SELECT * FROM courses") == row
    assert psql.value("SELECT count(*) FROM generation_queue") == 1


@pytest.mark.parametrize("way", ["schema.sql", "alembic"])
def test_the_original_schema_is_upgraded_with_its_rows_in_place(
    postgres: LocalPostgres,
    original: Psql,
    empty_database: DatabaseSettings,
    database_settings: DatabaseSettings,
    way: str,
) -> None:
    before = rows(original)
    assert len(before["courses"]) == 10

    if way == "alembic":
        upgrade(empty_database)
    else:
        printed = original.file(SCHEMA)
        assert "NOTICE:  3 course(s) are QUEUED or GENERATING but not in the queue; they stay as they are" in printed

    assert rows(original) == before
    assert original.value("SELECT count(*) FROM generation_queue") == 0
    assert original.value("SELECT count(*) FROM course_events") == 0
    assert_same(dump(postgres, empty_database), dump(postgres, database_settings))


def test_what_the_original_service_writes_it_can_go_on_writing(
    original: Psql, empty_database: DatabaseSettings
) -> None:
    """It runs on while the schema is upgraded below it: its statements name its own columns, and every id."""
    upgrade(empty_database)
    half_done, new, failing = (f"{number}-0000-4000-8000-000000000009" for number in ("00000000", "a" * 8, "b" * 8))
    for course, title in ((new, "Made after"), (failing, "Not made")):
        original.run(
            "INSERT INTO courses (id, user_id, title, topic, grade_level, source_filter, total_lessons, outline_json,"
            f" status) VALUES ('{course}', gen_random_uuid(), '{title}', 't', 'Grade 8', NULL, 1,"
            " '{\"lessons\": []}', 'GENERATING')"
        )
    for course, number in ((half_done, 2), (new, 1)):
        original.run(
            "INSERT INTO lessons (id, course_id, lesson_number, title, description, key_concepts, learning_objectives,"
            f" sources, generated_at) VALUES ('{course}', '{course}', {number}, 'L', 'D', ARRAY['k'], ARRAY['o'],"
            " ARRAY['s.md'], now())"
        )
        for text in ("first", "second"):
            original.run(
                f"INSERT INTO lesson_bodies (lesson_id, content_md, content_json) VALUES ('{course}', '{text}', '{{}}')"
                " ON CONFLICT (lesson_id) DO UPDATE SET content_md = EXCLUDED.content_md,"
                " content_json = EXCLUDED.content_json, updated_at = now()"
            )
        original.run(
            "INSERT INTO lesson_checks (id, lesson_id, q_order, question, answer)"
            f" VALUES (gen_random_uuid(), '{course}', 1, 'What is k?', 'k')"
        )
        original.run(
            "UPDATE courses SET status = 'READY', error_message = NULL, generated_at = now(), updated_at = now()"
            f" WHERE id = '{course}'"
        )
    original.run(
        "UPDATE courses SET status = 'FAILED', error_message = 'OpenAI timed out', updated_at = now()"
        f" WHERE id = '{failing}'"
    )

    summary = original.rows("SELECT title, slug, status FROM v_course_summary ORDER BY created_at DESC LIMIT 2")
    assert summary == [
        {"title": "Not made", "slug": "not-made", "status": "FAILED"},
        {"title": "Made after", "slug": "made-after", "status": "READY"},
    ]
    assert original.value(f"SELECT status FROM courses WHERE id = '{half_done}'") == "READY"
    for course, number in ((half_done, 2), (new, 1)):
        lesson = original.row(f"SELECT * FROM v_lessons_full WHERE course_id = '{course}' AND lesson_number = {number}")
        assert (lesson["content_md"], lesson["key_concepts"], lesson["sources"]) == ("second", ["k"], ["s.md"])
    # They are its own: nobody else works on them or reports on them.
    assert original.value("SELECT count(*) FROM generation_queue") == 0
    assert original.value("SELECT count(*) FROM outbox") == 0


def test_the_documented_query_queues_what_the_original_left_open(
    original: Psql, empty_database: DatabaseSettings
) -> None:
    upgrade(empty_database)
    text = (ROOT / "DATABASE.md").read_text()
    section = text.partition("## Courses that another program left open")[2]
    query = section.partition("```sql")[2].partition("```")[0]
    original.run(query)
    open_courses = original.rows("SELECT id FROM courses WHERE status = 'QUEUED' ORDER BY id")
    assert len(open_courses) == 3
    assert original.rows("SELECT course_id AS id FROM generation_queue ORDER BY 1") == open_courses


def test_down_and_up_again_makes_the_same_schema_and_keeps_the_rows(
    postgres: LocalPostgres, original: Psql, empty_database: DatabaseSettings, database_settings: DatabaseSettings
) -> None:
    before = rows(original)
    upgrade(empty_database)
    # With something in every new table, and a slug that the original could not have made.
    original.run(
        "INSERT INTO courses (id, user_id, title, topic, grade_level, request)"
        " VALUES ('ffffffff-0000-4000-8000-000000000001', gen_random_uuid(), 'कोशिका', 't', 'g', '{\"priority\": 9}');"
        "INSERT INTO course_replies (course_id, reply_to) SELECT id, 'q' FROM courses WHERE title = 'कोशिका';"
        "UPDATE courses SET status = 'FAILED' WHERE title = 'कोशिका';"
        "UPDATE courses SET status = 'QUEUED' WHERE title = 'कोशिका'"
    )
    for number in range(int(head_revision()) - 1, 0, -1):
        revision = f"{number:04}"
        downgrade(empty_database, revision)
        if number > 1:  # below that, slug stays a plain column: see DATABASE.md
            postgres.create_database(f"at_{revision}", "template0")
            fresh = postgres.settings(f"at_{revision}")
            upgrade_as_then(postgres, fresh, revision)
            if original.value("SELECT count(*) FROM pg_extension WHERE extname = 'vector'"):
                # It stays whoever made it.
                Psql(postgres, fresh).run("CREATE EXTENSION IF NOT EXISTS vector SCHEMA public")
            assert_same(dump(postgres, empty_database), dump(postgres, fresh))
    assert original.value("SELECT title FROM courses WHERE id = 'ffffffff-0000-4000-8000-000000000001'") == "कोशिका"
    original.run("DELETE FROM courses WHERE title = 'कोशिका'")
    assert rows(original) == before
    assert original.value("SELECT to_regclass('generation_queue')") is None
    # What the original service wrote, it can write again.
    original.run(
        "INSERT INTO courses (id, user_id, title, topic, grade_level, total_lessons, status)"
        " VALUES (gen_random_uuid(), gen_random_uuid(), 'Made below', 't', 'g', 1, 'GENERATING')"
    )
    assert original.value("SELECT slug FROM courses WHERE title = 'Made below'") == "made-below"
    upgrade(empty_database)
    assert_same(dump(postgres, empty_database), dump(postgres, database_settings))
    assert original.value("SELECT count(*) FROM courses") == 11


def test_the_way_down_leaves_an_extension_that_was_there_before(
    psql_empty: Psql, empty_database: DatabaseSettings
) -> None:
    if not psql_empty.value("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'"):
        pytest.skip("pgvector is not installed")
    psql_empty.run("CREATE EXTENSION vector SCHEMA public")
    upgrade(empty_database, "0009")
    downgrade(empty_database, "0008")
    assert psql_empty.value("SELECT count(*) FROM pg_extension WHERE extname = 'vector'") == 1


def test_no_way_below_the_original_schema_while_it_holds_courses(
    original: Psql, empty_database: DatabaseSettings, psql: Psql, database_settings: DatabaseSettings
) -> None:
    upgrade(empty_database)
    with pytest.raises(Exception, match="still holds rows"):
        downgrade(empty_database, "base")
    assert original.value("SELECT count(*) FROM courses") == 10
    downgrade(database_settings, "base")
    assert psql.value("SELECT to_regclass('courses')") is None


def test_a_course_with_a_text_that_is_too_long_by_now_is_named_and_left(
    empty_database: DatabaseSettings, psql_empty: Psql
) -> None:
    upgrade(empty_database, "0011")
    course_id = psql_empty.run(
        "INSERT INTO courses (user_id, topic, title, grade_level, total_lessons)"
        " VALUES (gen_random_uuid(), repeat('x', 65537), 'Cells', 'Grade 8', 1) RETURNING id"
    ).strip()
    with pytest.raises(DBAPIError, match=rf"more than 64 KiB: {course_id}"):
        upgrade(empty_database)
    assert psql_empty.value("SELECT version_num FROM alembic_version") == "0011"
    psql_empty.run("UPDATE courses SET topic = 'Cells'")
    upgrade(empty_database)


def test_a_database_that_can_not_hold_every_script_is_refused(
    postgres: LocalPostgres, psql: Psql, tmp_path: Path
) -> None:
    psql.run("CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    sent_as_utf8 = tmp_path / "schema.sql"
    sent_as_utf8.write_text("SET client_encoding = 'UTF8';\n" + Path(SCHEMA).read_text())
    for file in (SCHEMA, str(sent_as_utf8)):
        with pytest.raises(SQLError) as caught:
            Psql(postgres, postgres.settings("latin")).file(file)
        assert "courses need UTF8" in str(caught.value).splitlines()[0]
