"""The schema: two ways to make it that must agree, the original upgraded in place, and the way back (fault 57)."""

import difflib
import os
import subprocess
from pathlib import Path

import pytest

from src.config import DatabaseSettings
from src.devtools.local_postgres import LocalPostgres
from src.operations.migrations import ROOT, downgrade, head_revision, render_schema, upgrade
from tests.sql import Psql, SQLError

ORIGINAL = Path(__file__).parents[1] / "data" / "original_schema.sql"
SCHEMA = str(ROOT / "schema.sql")


def dump(server: LocalPostgres, database: DatabaseSettings) -> str:
    """The schema as pg_dump prints it, without its random restriction keys."""
    environment = {"PATH": os.environ["PATH"], "PGPASSWORD": database.password}
    address = ["-h", database.host, "-p", str(database.port), "-U", database.user]
    text = subprocess.run(
        [server.bin / "pg_dump", *address, "--schema-only", database.name],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return "\n".join(line for line in text.splitlines() if not line.startswith(("\\restrict", "\\unrestrict")))


def assert_same(first: str, second: str) -> None:
    assert first == second, "\n".join(difflib.unified_diff(first.splitlines(), second.splitlines(), lineterm=""))


@pytest.fixture
def psql_empty(postgres: LocalPostgres, empty_database: DatabaseSettings) -> Psql:
    return Psql(postgres, empty_database)


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


def test_schema_sql_is_what_the_migrations_say() -> None:
    assert_same((ROOT / "schema.sql").read_text(), render_schema())


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


def test_an_older_schema_sql_leaves_the_stamp_of_a_newer_one(psql: Psql) -> None:
    psql.run("UPDATE alembic_version SET version_num = '9999'")
    psql.file(SCHEMA)
    assert psql.value("SELECT version_num FROM alembic_version") == "9999"


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
            upgrade(fresh, revision)
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


def test_a_database_that_can_not_hold_every_script_is_refused(postgres: LocalPostgres, psql: Psql) -> None:
    psql.run("CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    with pytest.raises(SQLError, match="courses need UTF8"):
        Psql(postgres, postgres.settings("latin")).file(SCHEMA)
