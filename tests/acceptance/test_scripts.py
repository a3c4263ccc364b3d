"""The scripts that testers run, and the Python names that other code imports."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from src.devtools.local_reaper import mark
from src.operations.known_schema import ROOT
from tests.conftest import Workers
from tests.sql import Psql
from tests.stand_in import StandIn
from tests.upstream import REQUESTS, Upstream
from tests.waiting import PATIENCE


def script(
    environment: dict[str, str], folder: Path, *command: str, **settings: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "COLUMNS": "200", **mark(), **environment, **settings},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


class TestPublisher:
    PATH = str(ROOT / "test_publisher.py")

    def test_it_publishes_and_tells_the_request_id(
        self, environment: dict[str, str], tmp_path: Path, upstream: Upstream, user_id: str
    ) -> None:
        arguments = ["--topic", "Cells", "--grade-level", "Grade 5", "--num-lessons", "2", "--source-filter", "bio/"]
        done = script(environment, tmp_path, self.PATH, *arguments, "--user-id", user_id, "--language", "de")
        assert done.returncode == 0, done.stderr
        fields = upstream.next(REQUESTS).fields
        assert fields.pop("request_id") in done.stdout
        assert fields == {
            "user_id": user_id,
            "topic": "Cells",
            "grade_level": "Grade 5",
            "num_lessons": 2,
            "source_filter": "bio/",
            "language": "de",
        }

    def test_with_wait_it_shows_the_result(
        self, environment: dict[str, str], tmp_path: Path, workers: Workers, upstream: Upstream, psql: Psql
    ) -> None:
        workers.start()
        done = script(environment, tmp_path, self.PATH, "--topic", "Cells", "--num-lessons", "1", "--wait")
        assert done.returncode == 0, done.stderr
        assert "status: success" in done.stdout
        shown = re.search(r"^ +quality: (.+)$", done.stdout, re.MULTILINE)
        assert shown and json.loads(shown[1])["lessons_without_sources"] == 1
        assert psql.value("SELECT id FROM courses") in done.stdout
        assert upstream.result().fields["status"] == "success"  # upstream's own message was not taken away

    def test_with_wait_a_failure_is_an_exit_code(
        self, environment: dict[str, str], tmp_path: Path, workers: Workers, stand_in: StandIn
    ) -> None:
        stand_in.fault("refusal", times=None)
        workers.start()
        done = script(environment, tmp_path, self.PATH, "--topic", "Cells", "--wait")
        assert done.returncode == 1
        assert "model_refused" in done.stdout

    @pytest.mark.parametrize("length", [201, 1000])
    def test_with_wait_it_also_learns_that_its_request_id_is_refused(
        self, environment: dict[str, str], tmp_path: Path, workers: Workers, length: int
    ) -> None:
        workers.start()
        done = script(environment, tmp_path, self.PATH, "--request-id", length * "x", "--wait")
        assert done.returncode == 1, done.stderr
        assert "error_code: invalid_request" in done.stdout
        assert "request_id: String should have at most 200" in done.stdout

    def test_it_shows_what_is_wrong_in_one_line(self, environment: dict[str, str], tmp_path: Path) -> None:
        for settings, text, code in (
            ({"RABBITMQ_PORT": "1"}, "check RABBITMQ_HOST and RABBITMQ_PORT", 1),
            ({"RABBITMQ_HOST": "nowhere.invalid"}, "check RABBITMQ_HOST, RABBITMQ_PORT and RABBITMQ_TLS", 1),
            ({"RABBITMQ_TLS": "on"}, "check RABBITMQ_PORT, RABBITMQ_TLS, RABBITMQ_TLS_CA_FILE", 1),
            ({"RABBITMQ_PORT": environment["DB_PORT"]}, "check RABBITMQ_PORT and RABBITMQ_TLS", 1),
            ({"RABBITMQ_PASSWORD": "wrong"}, "check RABBITMQ_USERNAME and RABBITMQ_PASSWORD", 1),
            ({"RABBITMQ_PORT": "x"}, "settings: RABBITMQ_PORT", 2),
        ):
            done = script(environment, tmp_path, self.PATH, **settings)
            assert (done.returncode, text in done.stdout) == (code, True), done.stdout + done.stderr
            assert "Traceback" not in done.stdout + done.stderr

    def test_from_python_it_returns_the_request_id(
        self, environment: dict[str, str], tmp_path: Path, upstream: Upstream, user_id: str
    ) -> None:
        code = (
            "from test_publisher import publish_course_request\n"
            f"print(publish_course_request('Cells', grade_level='G', num_lessons=1, source_filter=None,"
            f" user_id='{user_id}'))"
        )
        done = script(environment, tmp_path, "-c", code)
        assert done.stdout.strip() == upstream.next(REQUESTS).fields["request_id"]


class TestDatabaseScript:
    PATH = str(ROOT / "test_database.py")

    def test_it_says_that_all_is_well_and_leaves_nothing_behind(
        self, environment: dict[str, str], tmp_path: Path, psql: Psql
    ) -> None:
        done = script(environment, tmp_path, self.PATH)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "The database is fine." in done.stdout
        assert psql.value("SELECT count(*) FROM courses") == 0

    @pytest.mark.parametrize(
        ("settings", "text"),
        [({"DB_PORT": "1"}, "Can't connect"), ({"DB_NAME": "postgres"}, "python app.py db upgrade")],
    )
    def test_it_says_what_is_wrong_in_one_line(
        self, environment: dict[str, str], tmp_path: Path, settings: dict[str, str], text: str
    ) -> None:
        done = script(environment, tmp_path, self.PATH, **settings)
        assert (done.returncode, text in done.stdout) == (1, True), done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr


def test_code_of_the_original_service_runs_unchanged(environment: dict[str, str], tmp_path: Path, psql: Psql) -> None:
    code = """
from src.config import Settings
from src.services import DatabaseService

settings = Settings()
print(settings.openai.api_key, settings.openai.vector_store_id, settings.output_dir, settings.log_level)
print(settings.rabbitmq.host, settings.rabbitmq.queue_status, settings.rabbitmq.route_status)
database = DatabaseService(config=settings.database)
database.connect()
course_id = database.create_course("7b1f4c52-8d5b-4f0e-9a3f-2f2d1c0a9b11", "T", "t", "g", 1)
lesson_id = database.create_lesson(course_id, 1, "L")
database.save_lesson_body(lesson_id, "# L")
database.update_course_status(course_id, "READY")
with database.get_cursor() as cursor:
    cursor.execute("SELECT status FROM courses WHERE id = %s", (course_id,))
    print(cursor.fetchone()["status"])
database.disconnect()
"""
    done = script(environment, tmp_path, "-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "READY"
    assert psql.value("SELECT content_md FROM v_lessons_full") == "# L"


def test_nothing_connects_when_it_is_imported(tmp_path: Path) -> None:
    code = """
import sys
def refuse(event, arguments):
    if event in ("socket.connect", "socket.bind", "socket.getaddrinfo"):
        raise RuntimeError(f"{event} at import")
sys.addaudithook(refuse)
import app, test_publisher, test_database, benchmarks.worker_speed
import src.devtools.stand_in_model, src.devtools.local_run, src.operations.contract
"""
    done = script({}, tmp_path, "-c", code)
    assert done.returncode == 0, done.stderr


def test_the_stand_in_is_a_command_of_its_own(tmp_path: Path) -> None:
    done = script({}, tmp_path, str(ROOT / "app.py"), "stand-in", "--fault", "nonsense=1")
    assert done.returncode == 1
    assert "--fault nonsense=1: the kinds are" in done.stderr
