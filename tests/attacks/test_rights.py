"""Roles that may do little in the database, and try to do more."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from src.config import DatabaseSettings
from src.devtools.local_postgres import LocalPostgres
from src.operations.known_schema import ROOT
from src.operations.migrations import MigrationError, functions, upgrade
from src.services import DatabaseService
from src.services.database.connection import Database
from src.services.database.statements import sql
from tests.attacks.roles import Role, role
from tests.attacks.shadows import SHADOWS, STATEMENTS
from tests.conftest import Workers
from tests.peers import Peer
from tests.sql import Psql, SQLError
from tests.upstream import Upstream
from tests.worker_process import WorkerProcess

pytestmark = pytest.mark.attack

# What up to PostgreSQL 14, and in a database that was upgraded from it, everybody has, and what a service needs that
# queues and cancels courses.
CREATES = ("USAGE, CREATE ON SCHEMA public", "SELECT, INSERT, UPDATE ON courses")
INSERT = (
    "INSERT INTO courses (user_id, topic, title, grade_level, total_lessons)"
    " VALUES (gen_random_uuid(), 'Cells', 'Cells', 'Grade 8', 1) RETURNING id"
)


@pytest.fixture
def attacker(postgres: LocalPostgres, database_settings: DatabaseSettings) -> Iterator[Role]:
    with role(postgres, database_settings, *CREATES) as made:
        yield made


class TestShadows:
    """Functions that fit a call better than PostgreSQL's own."""

    def test_one_that_fits_the_message_of_a_status_is_not_called(self, attacker: Role, psql: Psql) -> None:
        error = "text, text, text, uuid, text, text, text, uuid, text, text, text, boolean, text, text, text, text"
        attacker.psql.run(
            f"CREATE FUNCTION public.json_build_object({error}) RETURNS json LANGUAGE plpgsql AS"
            f" $$ BEGIN {attacker.seize}; RETURN '{{}}'; END $$"
        )
        course_id = attacker.psql.run(INSERT).strip()
        attacker.psql.run(f"UPDATE courses SET status = 'FAILED' WHERE id = '{course_id}'")
        assert not attacker.is_superuser
        message = psql.value("SELECT convert_from(body, 'UTF8')::json FROM outbox")
        assert (message["status"], message["course_id"]) == ("error", course_id)

    def test_one_that_fits_the_heartbeat_is_not_called(
        self, attacker: Role, psql: Psql, peer: Callable[..., Peer]
    ) -> None:
        attacker.psql.run(
            "CREATE FUNCTION public.make_interval(secs numeric) RETURNS interval LANGUAGE plpgsql AS"
            f" $$ BEGIN {attacker.seize}; RETURN '30s'; END $$"
        )
        peer().beat()
        assert not attacker.is_superuser
        assert psql.value("SELECT count(*) FROM workers") == 1

    def test_one_with_the_name_of_our_own_makes_no_call_ambiguous(self, attacker: Role, psql: Psql) -> None:
        for name, arguments in (
            ("put_status", "courses"),
            ("enqueue_course", "record"),
            ("hold_lease", "text, text"),
            ("repeat_result", "text, text, text"),
            ("quality_count", "jsonb, varchar"),
            ("course_slug", "varchar, uuid"),
        ):
            attacker.psql.run(
                f"CREATE FUNCTION public.{name}({arguments}) RETURNS boolean LANGUAGE plpgsql AS"
                f" $$ BEGIN {attacker.seize}; RETURN TRUE; END $$"
            )
        course_id = attacker.psql.run(INSERT).strip()
        attacker.psql.run(f"UPDATE courses SET status = 'FAILED' WHERE id = '{course_id}'")
        psql.run(f"DELETE FROM courses WHERE id = '{attacker.psql.run(INSERT).strip()}'")
        assert not attacker.is_superuser
        types = psql.rows("SELECT type FROM outbox ORDER BY id")
        assert types == [{"type": "course.error"}] * 2

    def test_a_whole_life_of_a_course_calls_none(
        self,
        attacker: Role,
        psql: Psql,
        workers: Workers,
        upstream: Upstream,
        environment: dict[str, str],
        user_id: str,
        tmp_path: Path,
    ) -> None:
        made = attacker.psql.run(SHADOWS)
        assert int(made) > 500
        documents = tmp_path / "documents"
        documents.mkdir()
        (documents / "cells.md").write_text("# Cells\n\nA cell has a membrane. The membrane is the border of the cell.")
        worker = workers.start()
        added = WorkerProcess(environment, tmp_path, "sources", "add", str(documents))
        assert added.wait() == 0, added
        upstream.request(user_id, num_lessons=1)
        assert upstream.result().fields["status"] == "success"
        upstream.request(user_id, num_lessons=1, request_id="second")
        assert upstream.result().fields["status"] == "success"
        upstream.request(user_id, num_lessons=1, request_id="second")  # its result is repeated
        assert upstream.result().fields["status"] == "success"
        assert worker.stop() == 0
        assert not attacker.is_superuser
        assert psql.value("SELECT is_called FROM shadows_called") is False

    @pytest.mark.parametrize("path", STATEMENTS, ids=lambda path: path.stem)
    def test_no_statement_finds_a_name_that_callers_can_create(self, path: Path, database: Database) -> None:
        """Each is prepared as a worker sends it. With nothing but pg_catalog to look in, all other names are whole."""
        numbers: dict[str, int] = {}
        statement = str(sql(path.stem)).replace("(:dimensions)", "(3)")
        statement = re.sub(r"--[^\n]*", "", statement)
        statement = re.sub(
            r"(?<!:):([a-z]\w*)", lambda name: f"${numbers.setdefault(name[1], len(numbers) + 1)}", statement
        )

        def prepare(connection: Connection) -> str:
            connection.exec_driver_sql(f"PREPARE it AS {statement}", execution_options={"no_parameters": True})
            return str(connection.exec_driver_sql("SHOW search_path").scalar_one())

        assert database.run_blocking(prepare) == "pg_catalog, pg_temp"

    def test_every_function_of_ours_looks_in_pg_catalog_or_names_everything(self, psql: Psql) -> None:
        found = psql.rows(
            "SELECT proname AS name, proconfig::text AS config, prosrc AS body FROM pg_proc"
            " WHERE pronamespace = 'public'::regnamespace AND proname = ANY"
            f" (ARRAY[{', '.join(repr(name) for name in functions())}])"
        )
        assert len(found) == len(functions())
        for function in found:
            if function["config"] is None:
                bare = re.sub(
                    r"OPERATOR\(pg_catalog\.\S+\)|(pg_catalog|public)\.\w+", "", function["body"].replace(":=", "")
                )
                assert not re.search(r"[a-z_]\(|::\w|[=<>|~@]", bare), function
            else:
                assert function["config"] == '{"search_path=pg_catalog, pg_temp"}', function


class TestOtherPrograms:
    def test_a_session_of_theirs_keeps_its_search_path(self, database_settings: DatabaseSettings, psql: Psql) -> None:
        service = DatabaseService(database_settings)
        service.connect()
        course = {
            "metadata": {"title": "Cells", "topic": "Cells", "grade_level": "Grade 8", "total_lessons": 1},
            "lessons": [{"lesson_info": {"lesson_number": 1, "title": "Cells"}, "content": {"sections": []}}],
        }
        course_id = service.save_complete_course("7b1f4c52-8d5b-4f0e-9a3f-2f2d1c0a9b11", course)
        with service.get_cursor() as cursor:
            cursor.execute("SELECT id FROM courses")
            assert [row["id"] for row in cursor.fetchall()] == [course_id]
            cursor.execute("SHOW search_path")
            row = cursor.fetchone()
            assert row is not None and row["search_path"] == '"$user", public'
        service.disconnect()

    def test_its_own_statements_call_nothing_that_others_made(
        self, attacker: Role, database_settings: DatabaseSettings, psql: Psql
    ) -> None:
        attacker.psql.run(SHADOWS)
        psql.run(f"ALTER DATABASE {database_settings.name} SET search_path = public, pg_catalog")
        service = DatabaseService(database_settings)
        service.connect()
        course_id = service.create_course("7b1f4c52-8d5b-4f0e-9a3f-2f2d1c0a9b11", "Cells", "Cells", "Grade 8", 1)
        lesson_id = service.create_lesson(course_id, 1, "Cells", key_concepts=["cell"])
        service.save_lesson_body(lesson_id, "# Cells", {"title": "Cells"})
        service.update_course_status(course_id, "READY")
        assert service.get_course(course_id) is not None
        assert len(service.get_course_lessons(course_id)) == 1
        service.disconnect()
        assert not attacker.is_superuser


def test_nobody_but_a_worker_gives_the_reason_in_the_history(attacker: Role, psql: Psql) -> None:
    course_id = attacker.psql.run(INSERT).strip()
    attacker.psql.run(
        "SELECT set_config('course_generator.reason', 'the model is away', FALSE),"
        f" set_config('course_generator.worker', '{course_id}', FALSE);"
        f" UPDATE courses SET status = 'FAILED', error_message = 'Not wanted' WHERE id = '{course_id}'"
    )
    assert psql.row("SELECT worker, reason FROM course_events WHERE to_status = 'FAILED'") == {
        "worker": None,
        "reason": "Not wanted",
    }


class TestUpgrade:
    @pytest.mark.parametrize("by_file", [False, True])
    def test_through_revisions_that_look_in_public_is_refused_while_a_shadow_is_there(
        self, postgres: LocalPostgres, empty_database: DatabaseSettings, psql_empty: Psql, by_file: bool
    ) -> None:
        upgrade(empty_database, "0009")
        with role(postgres, empty_database, "USAGE, CREATE ON SCHEMA public") as attacker:
            attacker.psql.run("CREATE FUNCTION public.format(text, text) RETURNS text LANGUAGE sql AS 'SELECT $1'")
            attacker.psql.run("CREATE OPERATOR public.-> (FUNCTION = public.format, LEFTARG = text, RIGHTARG = text)")
            named = r"public holds .* own: function public\.format\(text,text\), operator public\.->\(text,text\)"
            with pytest.raises(SQLError if by_file else MigrationError, match=named):
                if by_file:
                    psql_empty.file(str(ROOT / "schema.sql"))
                else:
                    upgrade(empty_database)
            assert psql_empty.value("SELECT version_num FROM alembic_version") == "0009"
        upgrade(empty_database)

    def test_a_role_that_worked_before_works_on(
        self, postgres: LocalPostgres, empty_database: DatabaseSettings, psql_empty: Psql
    ) -> None:
        upgrade(empty_database, "0011")
        with role(postgres, empty_database, "ALL ON ALL TABLES IN SCHEMA public") as worker:
            upgrade(empty_database)
            assert worker.psql.run("SELECT hold_lease(gen_random_uuid(), gen_random_uuid())").strip() == "f"
            assert worker.psql.run("SELECT repeat_result(gen_random_uuid())").strip() == "f"


class TestFunctionsThatWrite:
    @pytest.mark.parametrize(
        "call",
        [
            "put_status(c, '0') FROM courses c",
            "enqueue_course(c) FROM courses c",
            "repeat_result(id) FROM courses",
            "hold_lease(id, id) FROM courses",
        ],
    )
    def test_nobody_may_call_one_who_was_not_given_it(
        self, postgres: LocalPostgres, database_settings: DatabaseSettings, call: str
    ) -> None:
        with (
            role(postgres, database_settings, "SELECT ON courses") as reader,
            pytest.raises(SQLError, match="permission"),
        ):
            reader.psql.run(f"SELECT {call}")

    def test_nobody_may_make_one_the_trigger_of_a_table_of_his_own(self, attacker: Role, psql: Psql) -> None:
        attacker.psql.run("CREATE TABLE public.mine (LIKE public.courses)")
        ours = "prorettype = 'trigger'::regtype AND pronamespace = 'public'::regnamespace"
        names = psql.value(f"SELECT array_agg(proname::text) FROM pg_proc WHERE {ours}")
        assert "courses_check_status" in names
        for name in names:
            with pytest.raises(SQLError, match=f"permission denied for function {name}"):
                attacker.psql.run(f"CREATE TRIGGER t AFTER INSERT ON mine FOR EACH ROW EXECUTE FUNCTION {name}()")
