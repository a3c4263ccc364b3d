"""What a worker says and does when something it needs is missing, wrong or different."""

import json
import re
import signal
import socket
from pathlib import Path
from uuid import uuid4

import pika
import pytest

from src.consumers.files_only_part import FilesOnly
from src.devtools.local_postgres import LocalPostgres
from src.devtools.local_rabbitmq import LocalRabbitMQ
from src.operations.metrics import GAUGES
from tests.conftest import Workers
from tests.health import Health
from tests.sql import Psql
from tests.stand_in import StandIn
from tests.upstream import REQUESTS, STATUS, Upstream
from tests.waiting import eventually
from tests.worker_process import WorkerProcess


class TestSettings:
    def test_every_fault_is_one_line_the_exit_code_is_2_and_no_secret_is_shown(self, workers: Workers) -> None:
        worker = workers.launch(
            DB_PORT="s3cret", RABBITMQ_PORT="0", OPENAI_API_KEY="sk-very-secret-key", LOG_LEVEL="loud"
        )
        assert worker.wait() == 2
        names = [line.split(":")[1].strip() for line in worker.other_output]
        assert names == ["RABBITMQ_PORT", "DB_PORT", "LOG_LEVEL"]
        text = "\n".join(worker.other_output)
        assert "Traceback" not in text
        assert "s3cret" not in text
        assert "sk-very" not in text

    def test_commands_check_them_too(self, environment: dict[str, str], tmp_path: Path) -> None:
        command = WorkerProcess({**environment, "DB_PORT": "x"}, tmp_path, "db", "upgrade")
        assert command.wait() == 2
        assert command.other_output[0].startswith("settings: DB_PORT: ")
        command.end()

    def test_a_model_elsewhere_while_that_is_forbidden_is_one_line(self, workers: Workers) -> None:
        worker = workers.launch(OPENAI_BASE_URL="https://api.openai.com/v1", OPENAI_ALLOW_REMOTE="off")
        assert worker.wait() == 1
        assert len(worker.other_output) == 1
        assert "OPENAI_ALLOW_REMOTE is off" in worker.other_output[0]

    def test_a_variable_that_is_named_like_a_group_is_somebody_elses(self, workers: Workers) -> None:
        workers.start(DATABASE="learningdb", OPENAI="x", WORKER="y")

    def test_secrets_that_everybody_can_read_are_one_warning(self, workers: Workers, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text("OPENAI_API_KEY=a-key\n")
        (tmp_path / ".env").chmod(0o644)
        (line,) = workers.start().lines("secrets_exposed")
        assert (line["level"], line["settings"], line["do"]) == ("warning", ["OPENAI_API_KEY"], "chmod 600 .env")

    def test_a_setting_that_is_gone_is_one_warning_with_what_to_do(self, workers: Workers) -> None:
        worker = workers.start(SOURCES_DIR="/library")
        (line,) = worker.lines("setting_ignored")
        assert (line["level"], line["setting"]) == ("warning", "SOURCES_DIR")
        assert "app.py sources add" in line["do"]


class TestDatabase:
    def test_one_that_is_not_there_is_one_clear_line_and_the_worker_waits_for_it(self, workers: Workers) -> None:
        worker = workers.launch(DB_PORT="1")
        line = worker.wait_for("database_unavailable")
        assert "port 1 failed: Connection refused" in line["reason"]
        assert worker.other_output == []
        assert not worker.lines("worker_started")

    def test_a_wrong_password_is_not_shown(self, workers: Workers) -> None:
        worker = workers.launch(DB_PASSWORD="wrong-password")
        line = worker.wait_for("database_unavailable")
        assert "password authentication failed" in line["reason"]
        assert "wrong-password" not in str(worker)

    @pytest.mark.parametrize(
        ("settings", "arguments", "line"),
        [
            ({"DB_PORT": "1"}, ("upgrade",), "database: connection to server at .* failed: Connection refused"),
            ({"DB_NAME": "nowhere"}, ("downgrade", "0001"), "database: .* database .nowhere. does not exist"),
            ({}, ("upgrade", "next"), "migrations: Can't locate revision identified by 'next'"),
        ],
    )
    def test_commands_that_can_not_do_it_say_so_in_one_line(
        self,
        environment: dict[str, str],
        tmp_path: Path,
        settings: dict[str, str],
        arguments: tuple[str, ...],
        line: str,
    ) -> None:
        command = WorkerProcess({**environment, **settings}, tmp_path, "db", *arguments)
        assert command.wait() == 1
        assert re.match(line, command.other_output[0])
        assert "Traceback" not in str(command)
        command.end()

    @pytest.mark.parametrize("arguments", [("upgrade",), ("downgrade", "0005")])
    def test_commands_of_an_older_program_change_nothing_and_say_so_in_one_line(
        self, environment: dict[str, str], psql: Psql, tmp_path: Path, arguments: tuple[str, ...]
    ) -> None:
        psql.run("UPDATE alembic_version SET version_num = '9999'; UPDATE schema_functions SET digest = 'newer'")
        command = WorkerProcess(environment, tmp_path, "db", *arguments)
        assert command.wait() == 1
        (line,) = command.other_output
        assert line.startswith("migrations: the database is at revision 9999, which this program (head ")
        assert "nothing was changed" in line
        assert psql.value("SELECT count(*) FROM schema_functions WHERE digest <> 'newer'") == 0
        command.end()

    def test_one_without_tables_says_what_to_do_and_is_used_as_soon_as_they_are_there(
        self, workers: Workers, postgres: LocalPostgres, environment: dict[str, str], tmp_path: Path
    ) -> None:
        name = f"late_{uuid4().hex}"
        postgres.create_database(name, "template0")
        worker = workers.launch(DB_NAME=name)
        assert "python app.py db upgrade" in worker.wait_for("database_unavailable")["reason"]
        command = WorkerProcess({**environment, "DB_NAME": name}, tmp_path, "db", "upgrade")
        assert command.wait() == 0
        command.end()
        worker.wait_for("worker_started")

    def test_an_older_schema_says_what_to_do(self, workers: Workers, psql: Psql) -> None:
        psql.run("UPDATE alembic_version SET version_num = '0003'")
        reason = workers.launch().wait_for("database_unavailable")["reason"]
        assert "its schema is 0003" in reason and "db upgrade" in reason

    def test_a_newer_schema_serves_this_program_too(
        self, workers: Workers, upstream: Upstream, psql: Psql, user_id: str
    ) -> None:
        """The schema is upgraded first and the workers are replaced one by one: each table may have got new columns."""
        psql.run("UPDATE alembic_version SET version_num = '9999'")
        for table in psql.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
            psql.run(f"ALTER TABLE {table['tablename']} ADD COLUMN newer TEXT NOT NULL DEFAULT 'value'")
        worker = workers.start()
        upstream.request(user_id, num_lessons=2)
        assert upstream.result().fields["status"] == "success"
        assert worker.stop() == 0
        assert worker.lines("duty_failed") == []


class TestBroker:
    def test_one_that_refuses_the_login_is_one_clear_line_and_the_worker_tries_again(self, workers: Workers) -> None:
        worker = workers.start(RABBITMQ_PASSWORD="wrong-password")
        for connection in ("publisher", "consumer"):
            line = worker.wait_for("broker_unavailable", connection=connection)
            assert "refuses the login of 'course'; check RABBITMQ_USERNAME and RABBITMQ_PASSWORD" in line["error"]
        eventually(lambda: len(worker.lines("broker_unavailable")) > 2, "it tries again")
        assert "wrong-password" not in str(worker)
        assert worker.other_output == []
        assert worker.stop() == 0

    def test_one_that_is_not_there(self, workers: Workers) -> None:
        worker = workers.start(RABBITMQ_PORT="1")
        assert "can't connect to 127.0.0.1:1" in worker.wait_for("broker_unavailable")["error"]

    def test_a_virtual_host_that_is_not_there(self, workers: Workers) -> None:
        worker = workers.start(RABBITMQ_VHOST="nowhere")
        assert "nowhere" in worker.wait_for("broker_unavailable")["error"]

    def test_queues_declared_otherwise_are_used_as_they_are_with_one_warning(
        self, workers: Workers, rabbitmq: LocalRabbitMQ, vhost: str, user_id: str
    ) -> None:
        credentials = pika.PlainCredentials("course", rabbitmq.password)
        connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", rabbitmq.port, vhost, credentials))
        connection.channel().queue_declare(REQUESTS, durable=True, arguments={"x-max-priority": 10})
        worker = workers.start()
        eventually(lambda: len(worker.lines("broker_connected")) == 3, "all connections are open")
        warnings = worker.lines("declared_differently")
        assert {line["name"] for line in warnings} == {REQUESTS}
        assert len(warnings) == 3  # one for each connection
        channel = connection.channel()
        body = json.dumps({"user_id": user_id, "topic": "Cells", "num_lessons": 1}).encode()
        channel.basic_publish("course.exchange", "course.generate", body)
        worker.wait_for("course_ready")
        connection.close()

    def test_names_can_be_set(self, workers: Workers, rabbitmq: LocalRabbitMQ, vhost: str) -> None:
        worker = workers.start(
            RABBITMQ_EXCHANGE="my.exchange",
            RABBITMQ_QUEUE_GENERATION="my.requests",
            RABBITMQ_QUEUE_STATUS="my.status",
            RABBITMQ_QUEUE_DEAD="my.dead",
        )
        eventually(lambda: len(worker.lines("broker_connected")) == 3, "all connections are open")
        queues = rabbitmq.control("list_queues", "-p", vhost, "name", "--quiet", "--no-table-headers").split()
        assert sorted(queues) == ["my.dead", "my.requests", "my.status"]


class TestModel:
    def test_without_one_requests_are_accepted_and_none_is_claimed(
        self, workers: Workers, upstream: Upstream, psql: Psql, user_id: str
    ) -> None:
        worker = workers.start(OPENAI_BASE_URL="")
        assert worker.wait_for("claiming_stopped")["level"] == "critical"
        upstream.request(user_id)
        worker.wait_for("request_accepted")
        assert worker.stop() == 0
        assert psql.row("SELECT status, attempts FROM courses") == {"status": "QUEUED", "attempts": 0}
        assert len(worker.lines("claiming_stopped")) == 1

    @pytest.mark.parametrize("kind", ["401", "quota", "404"])
    def test_a_wrong_key_stops_claiming_with_one_loud_line_and_the_backlog_stays(
        self, workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, user_id: str, kind: str
    ) -> None:
        stand_in.fault(kind, times=None)
        worker = workers.start(WORKER_SLOTS="2", OPENAI_API_KEY="sk-secret-of-ours")
        for _ in range(6):
            upstream.request(user_id)
        worker.wait_for("claiming_stopped")
        upstream.wait_until(
            lambda: psql.value("SELECT count(*) FROM courses WHERE status = 'QUEUED' AND attempts = 0") == 6,
            "all are queued again",
        )
        assert len(worker.lines("claiming_stopped")) == 1
        assert stand_in.stats()["calls"] <= 2
        assert worker.stop() == 0
        statuses = [message.fields["status"] for message in upstream.waiting(STATUS)]
        assert "error" not in statuses
        assert "sk-" not in str(worker)
        assert "sk-" not in str(psql.rows("SELECT reason FROM course_events"))

    def test_a_refusal_in_characters_that_no_row_can_hold_is_on_record(
        self, workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, user_id: str
    ) -> None:
        refusal = {"role": "assistant", "content": None, "refusal": "not\0this\ud800\nway " + "x" * 100_000}
        choices = [{"index": 0, "finish_reason": "stop", "message": refusal}]
        stand_in.fault("overwrite", fields={"choices": choices, "model": "odd\0"})
        workers.start()
        upstream.request(user_id)
        fields = upstream.result().fields
        assert fields["error_code"] == "model_refused"
        assert fields["message"].startswith("the model refused: not\ufffdthis\ufffd way xxx")
        assert len(fields["message"]) == 2000
        assert psql.value("SELECT error_message FROM courses") == fields["message"]
        assert psql.row("SELECT model, outcome FROM model_calls")["model"] == "odd\ufffd"

    @pytest.mark.parametrize("key", ["sk-proj-0123456789abcdef", "a key of no known shape"])
    def test_a_key_that_a_server_repeats_stays_out_of_rows_messages_and_logs(
        self, workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, user_id: str, key: str
    ) -> None:
        """Fault 49."""
        refusal = {"role": "assistant", "content": None, "refusal": f"The key {key} may not ask for this."}
        stand_in.fault("overwrite", fields={"choices": [{"index": 0, "finish_reason": "stop", "message": refusal}]})
        worker = workers.start(OPENAI_API_KEY=key)
        upstream.request(user_id)
        result = upstream.result()
        assert result.fields["message"] == "the model refused: The key [hidden] may not ask for this."
        assert worker.stop() == 0
        assert psql.value("SELECT error_message FROM courses") == result.fields["message"]
        assert "[hidden]" in psql.value("SELECT outcome FROM model_calls")
        tables = ("courses", "model_calls", "course_events", "outbox")
        seen = [str(psql.rows(f"SELECT * FROM {table}")) for table in tables]
        sent = psql.rows("SELECT convert_from(body, 'UTF8') AS body FROM outbox")
        assert not [text for text in (*seen, str(sent), str(worker)) if key in text]

    def test_when_the_key_is_put_right_the_backlog_is_worked_off(
        self, workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, user_id: str
    ) -> None:
        stand_in.fault("401")
        worker = workers.start()
        upstream.request(user_id, num_lessons=1)
        worker.wait_for("claiming_stopped")
        worker.stop()
        psql.run("UPDATE model_stops SET next_trial_at = now(); UPDATE generation_queue SET run_after = now()")
        workers.start()
        assert upstream.result().fields["status"] == "success"


class TestFiles:
    def test_off_means_off(
        self, workers: Workers, upstream: Upstream, psql: Psql, user_id: str, tmp_path: Path
    ) -> None:
        workers.start(FILES="off")
        upstream.request(user_id, num_lessons=1)
        assert upstream.result().fields["output_path"] is None
        assert psql.row("SELECT output_path, mirrored_at FROM courses") == {"output_path": None, "mirrored_at": None}
        assert not (tmp_path / "courses").exists()

    def test_a_folder_that_can_not_be_written_holds_no_result_up_and_is_written_later(
        self, workers: Workers, upstream: Upstream, psql: Psql, user_id: str, tmp_path: Path, health: Health
    ) -> None:
        """Fault 36."""
        (tmp_path / "courses").write_text("a file in the way")
        worker = workers.start(**health.settings)
        upstream.request(user_id, num_lessons=1)
        assert upstream.result().fields["status"] == "success"
        assert worker.wait_for("mirror_failed")["level"] == "error"
        assert psql.row("SELECT status, mirrored_at FROM courses") == {"status": "READY", "mirrored_at": None}
        eventually(lambda: health.gauge("files_owed") == 1, "it says so")
        assert health.gauge('events_total{action="mirror_failed",level="error"}') >= 1

        (tmp_path / "courses").unlink()
        psql.run("UPDATE courses SET generated_at = generated_at - interval '1 minute'")
        worker.stop()
        workers.start(**health.settings)  # its first turn comes at once
        eventually(lambda: health.gauge("files_owed") == 0, "the files are written")
        (folder,) = (tmp_path / "courses").iterdir()
        assert sorted(path.name for path in folder.iterdir()) == ["course.json", "course.md"]
        assert upstream.waiting(STATUS) == []

    @pytest.mark.parametrize(
        "topic", ["../../escape", "/etc/passwd", "CON", "🎓", "x" * 300, "a\u202eb", "..", "~root"]
    )
    def test_whatever_the_topic_its_folder_is_in_the_tree(
        self, workers: Workers, upstream: Upstream, user_id: str, tmp_path: Path, topic: str
    ) -> None:
        """Fault 46."""
        workers.start()
        before = {path for path in tmp_path.iterdir() if path.name != "courses"}
        upstream.request(user_id, topic=topic, grade_level="../..", num_lessons=1)
        folder = Path(upstream.result().fields["output_path"])
        assert folder.parent == tmp_path / "courses"
        assert folder.resolve().parent == (tmp_path / "courses").resolve()
        assert sorted(path.name for path in folder.iterdir()) == ["course.json", "course.md"]
        assert {path for path in tmp_path.iterdir() if path.name != "courses"} == before


def test_health_says_what_is_there_and_what_is_not(workers: Workers, health: Health) -> None:
    worker = workers.launch(**health.settings)
    broker = ("broker_consumer", "broker_publisher", "broker_replies")
    parts = dict.fromkeys(("database", *broker, "model"), True)
    eventually(lambda: health.ready == (200, parts), "it is ready")
    assert health.is_live
    worker.stop()

    unready = workers.launch(**health.settings, RABBITMQ_PORT="1")
    unready.wait_for("broker_unavailable")
    parts |= dict.fromkeys(broker, False)
    eventually(lambda: health.ready == (503, parts), "the database is there and no broker")
    values = health.metrics()
    told = {part: values[f'course_generator_ready{{part="{part}"}}'] for part in parts}
    assert told == parts


def test_metrics_count_every_action_and_say_how_things_are(
    workers: Workers, upstream: Upstream, stand_in: StandIn, health: Health, user_id: str
) -> None:
    stand_in.fault("hold", purpose="lesson", times=None)
    workers.launch(**health.settings, WORKER_SLOTS="1", LOG_LEVEL="ERROR")
    for number in range(3):
        upstream.request(user_id, topic=f"Cells {number}", num_lessons=2)
    stand_in.wait_until_held(2)
    eventually(lambda: health.gauge("courses_waiting") == 2, "the others are accepted")
    eventually(lambda: health.gauge("messages_waiting") == 0, "all is published")
    values = health.metrics_with_backlog()
    counted = {*GAUGES, *FilesOnly.gauge_descriptions}
    assert {name: values[f"course_generator_{name}"] for name in counted if not name.endswith("seconds")} == {
        "slots": 1,
        "slots_in_use": 1,
        "model_calls_limit": 256,
        "model_calls_open": 2,
        "imports_waiting": 0,
        "courses_waiting": 2,
        "courses_later": 0,
        "courses_running": 1,
        "requests_set_aside": 0,
        "messages_waiting": 0,
        "messages_dead": 0,
        "files_owed": 0,
    }
    assert values["course_generator_oldest_course_seconds"] > 0
    assert values["process_resident_memory_bytes"] > 2**20
    # Also what the log leaves out at this level.
    assert health.gauge('events_total{action="request_accepted",level="info"}') == 3
    stand_in.release()
    upstream.results(3)
    assert health.gauge('events_total{action="course_ready",level="info"}') == 3


def test_metrics_are_there_without_the_database_too(workers: Workers, health: Health) -> None:
    workers.launch(**health.settings, DB_PORT="1")
    eventually(lambda: health.gauge('ready{part="database"}') == 0, "it says so")
    assert health.gauge("slots") == 50
    assert health.gauge("courses_waiting") == -1


def test_a_health_port_that_is_taken_is_one_clear_line(workers: Workers) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        worker = workers.launch(HEALTH_PORT=str(port))
        assert worker.wait() == 1
    assert worker.other_output == [
        f"HEALTH_PORT: can't listen on port {port} of 127.0.0.1: Address already in use; set another one, or none, or"
        " HEALTH_HOST"
    ]


def test_both_signals_end_a_worker_that_has_nothing_to_do(workers: Workers) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        worker = workers.start()
        worker.signal(number)
        assert worker.wait() == 0
        assert worker.lines("worker_stopping")
        assert worker.log[-1]["action"] == "worker_stopped"
