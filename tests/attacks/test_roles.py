"""The recipe of roles: each can do its work, and nothing else."""

from pathlib import Path

import pytest

from src.config import DatabaseSettings
from src.devtools.local_postgres import LocalPostgres
from src.operations.known_schema import ROOT
from tests.attacks.roles import role
from tests.conftest import Workers
from tests.sql import Psql, SQLError
from tests.upstream import Upstream
from tests.worker_process import WorkerProcess

pytestmark = pytest.mark.attack

INSERT = (
    "INSERT INTO courses (user_id, topic, title, grade_level, total_lessons)"
    " VALUES (gen_random_uuid(), 'Cells', 'Cells', 'Grade 8', 1) RETURNING id"
)


@pytest.fixture
def recipe(psql: Psql) -> None:
    psql.file(str(ROOT / "docs" / "roles.sql"))
    psql.file(str(ROOT / "docs" / "roles.sql"))  # as after an upgrade


@pytest.mark.usefixtures("recipe")
class TestRecipe:
    def test_with_the_role_of_a_worker_a_course_is_written_and_its_result_repeated(
        self,
        postgres: LocalPostgres,
        database_settings: DatabaseSettings,
        workers: Workers,
        upstream: Upstream,
        user_id: str,
    ) -> None:
        with role(postgres, database_settings, "course_worker") as worker:
            process = workers.start(DB_USER=worker.name, DB_PASSWORD="its-own")
            for _ in range(2):
                upstream.request(user_id, num_lessons=1, request_id="r-1")
                assert upstream.result().fields["status"] == "success"
            assert process.stop() == 0
            assert not process.lines("duty_failed"), process
            with pytest.raises(SQLError, match="permission denied"):
                worker.psql.run("CREATE TABLE public.mine (id int)")

    def test_a_requester_queues_cancels_and_retries(
        self, postgres: LocalPostgres, database_settings: DatabaseSettings, psql: Psql
    ) -> None:
        with role(postgres, database_settings, "course_requester") as requester:
            course_id = requester.psql.run(INSERT).strip()
            for status in ("FAILED", "QUEUED"):
                requester.psql.run(f"UPDATE courses SET status = '{status}' WHERE id = '{course_id}'")
            assert psql.value("SELECT count(*) FROM generation_queue") == 1

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE courses SET output_path = '/etc'",
            "UPDATE courses SET title = 'x'",
            "INSERT INTO courses (id, user_id, topic, title, grade_level) VALUES"
            " (gen_random_uuid(), gen_random_uuid(), 'Cells', 'Cells', 'Grade 8')",
            "DELETE FROM courses",
            "TRUNCATE courses CASCADE",
            "BEGIN; LOCK TABLE courses IN ACCESS EXCLUSIVE MODE",
            "BEGIN; LOCK TABLE courses IN ROW EXCLUSIVE MODE",
            "SELECT * FROM generation_queue",
            "SELECT * FROM outbox",
            "SELECT put_status(c, '0') FROM courses c",
            "CREATE FUNCTION public.now(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        ],
    )
    def test_a_requester_can_do_no_more(
        self, postgres: LocalPostgres, database_settings: DatabaseSettings, psql: Psql, statement: str
    ) -> None:
        psql.run(INSERT)
        with (
            role(postgres, database_settings, "course_requester") as requester,
            pytest.raises(SQLError, match="permission denied"),
        ):
            requester.psql.run(statement)

    def test_a_reader_reads_courses_and_changes_nothing(
        self, postgres: LocalPostgres, database_settings: DatabaseSettings
    ) -> None:
        with role(postgres, database_settings, "course_reader") as reader:
            for view in ("courses", "v_course_summary", "v_lessons_full", "v_course_quality", "v_stale_courses"):
                reader.psql.run(f"SELECT count(*) FROM {view}")
            for statement in (INSERT, "UPDATE courses SET status = 'FAILED'", "SELECT * FROM outbox"):
                with pytest.raises(SQLError, match="permission denied"):
                    reader.psql.run(statement)

    def test_an_operator_cancels_pauses_and_repeats(
        self, postgres: LocalPostgres, database_settings: DatabaseSettings, psql: Psql
    ) -> None:
        course_id = psql.run(INSERT).strip()
        with role(postgres, database_settings, "course_operator") as operator:
            operator.psql.run("UPDATE generation_queue SET run_after = 'infinity'")
            operator.psql.run("UPDATE courses SET status = 'FAILED'")
            assert operator.psql.run(f"SELECT repeat_result('{course_id}')").strip() == "t"
            with pytest.raises(SQLError, match="permission denied"):
                operator.psql.run("UPDATE lessons SET title = 'x'")


class TestCheck:
    def test_it_names_who_may_create_things_and_what_somebody_has_made(
        self,
        environment: dict[str, str],
        psql: Psql,
        postgres: LocalPostgres,
        database_settings: DatabaseSettings,
        tmp_path: Path,
    ) -> None:
        psql.run("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        check = WorkerProcess(environment, tmp_path, "db", "check")
        assert check.wait() == 0, check
        with role(postgres, database_settings, "USAGE, CREATE ON SCHEMA public") as creator:
            psql.run("GRANT CREATE ON SCHEMA public TO PUBLIC")
            creator.psql.run("CREATE FUNCTION public.now(int) RETURNS int LANGUAGE sql AS 'SELECT 1'")
            check = WorkerProcess(environment, tmp_path, "db", "check")
            assert check.wait() == 1
        told = "\n".join(check.other_output)
        assert f": REVOKE CREATE ON SCHEMA public FROM {creator.name}\n" in told
        assert ": REVOKE CREATE ON SCHEMA public FROM PUBLIC\n" in told
        assert "function public.now(integer)" in told

    def test_it_names_triggers_of_others_that_would_fail_in_a_workers_transaction(
        self, environment: dict[str, str], psql: Psql, tmp_path: Path
    ) -> None:
        psql.run("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        psql.run("CREATE TABLE public.audit (course UUID)")
        psql.run(
            "CREATE FUNCTION public.audited() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN INSERT INTO audit VALUES (NEW.id); RETURN NEW; END $$;"
            "CREATE TRIGGER audited AFTER UPDATE ON courses FOR EACH ROW EXECUTE FUNCTION audited()"
        )
        check = WorkerProcess(environment, tmp_path, "db", "check")
        assert check.wait() == 1
        (fault,) = check.other_output
        psql.run(fault.rpartition(": ")[2])
        assert WorkerProcess(environment, tmp_path, "db", "check").wait() == 0
