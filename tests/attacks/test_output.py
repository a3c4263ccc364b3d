"""What others have written, and secrets, in what commands print."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from src.operations.known_schema import ROOT
from tests.acceptance.test_scripts import script
from tests.sql import Psql
from tests.upstream import REQUESTS, Upstream

pytestmark = pytest.mark.attack

KEY = "a key that looks like none: 4711-swordfish"
FAKE = "2026-01-01T00:00:00Z [info] all is well"
HOSTILE = f"\x1b]0;owned\x07\x1b[31m\x9b2J\u202egpj.\r\n{FAKE}"


def assert_harmless(printed: str) -> None:
    steering = {sign for sign in printed if sign != "\n" and (ord(sign) < 32 or 0x7F <= ord(sign) < 0xA0)}
    assert not steering | (set(printed) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f"))
    assert not any(line.startswith(FAKE) for line in printed.splitlines())


@pytest.fixture
def hostile_server() -> Iterator[str]:
    """The address of a model's server that repeats the key in its error, between what steers a terminal."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            said = f"{HOSTILE} wrong key: {self.headers['Authorization'].removeprefix('Bearer ')}"
            body = json.dumps({"error": {"message": said}}).encode()
            self.send_response(401)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_server_that_repeats_the_key_in_its_error_has_nothing_shown(
    environment: dict[str, str], tmp_path: Path, hostile_server: str
) -> None:
    (tmp_path / "a.md").write_text("# Cells\n\nA cell is small.")
    settings = {"OPENAI_EMBEDDING_MODEL": "m", "OPENAI_BASE_URL": hostile_server, "OPENAI_API_KEY": KEY}
    for command in (["add", str(tmp_path / "a.md")], ["search", "cell"]):
        done = script(environment, tmp_path, str(ROOT / "app.py"), "sources", *command, **settings)
        assert "swordfish" not in done.stdout + done.stderr
        assert_harmless(done.stdout + done.stderr)
        if command[0] == "add":
            assert done.returncode == 1 and "wrong key: [hidden]" in done.stderr


def test_files_with_names_that_steer_a_terminal_are_named_without_harm(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (hidden := tmp_path / "sources" / ".hidden").mkdir(parents=True)
    evil = HOSTILE.replace("/", "")
    (hidden / f"{evil}.md").touch()
    (hidden / f"{evil}.pdf").write_bytes(b"%PDF-1.4 broken")
    (tmp_path / "sources" / f"{evil}.csv").touch()
    (tmp_path / "sources" / "\u202egpj.md").write_text("A cell is small.")
    for suffix in ("md", "pdf"):
        (tmp_path / "sources" / f"clean.{suffix}").symlink_to(hidden / f"{evil}.{suffix}")
    for command in (["add", str(tmp_path / "sources")], ["list"], ["search", "cell"], ["remove", HOSTILE]):
        done = script(environment, tmp_path, str(ROOT / "app.py"), "sources", *command)
        assert_harmless(done.stdout + done.stderr)
    assert "\\u202egpj.md" in script(environment, tmp_path, str(ROOT / "app.py"), "sources", "list").stdout


def test_a_database_with_names_that_steer_a_terminal_is_refused_without_harm(
    environment: dict[str, str], tmp_path: Path, psql: Psql
) -> None:
    psql.run(f"UPDATE alembic_version SET version_num = E'\\x1b[31m\\u202e\\n{FAKE[:12]}'")
    for command in ("check", "upgrade"):
        done = script(environment, tmp_path, str(ROOT / "app.py"), "db", command)
        assert done.returncode == 1
        assert_harmless(done.stdout + done.stderr)
        assert len(done.stderr.splitlines()) == 1, done.stderr


def test_a_forged_status_steers_no_terminal_of_who_waits_for_his_course(
    environment: dict[str, str], tmp_path: Path, upstream: Upstream
) -> None:
    forged = {"request_id": "r-1", "message": f"[red]{HOSTILE}[/nothing]", HOSTILE: HOSTILE, "total_lessons": 1}
    arguments = [str(ROOT / "test_publisher.py"), "--num-lessons", "1", "--request-id", "r-1", "--wait"]
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(script, environment, tmp_path, *arguments)
        upstream.next(REQUESTS)
        upstream.tell("course.progress", {**forged, "status": "generating", "lessons_done": 0})
        upstream.tell("course.status", {**forged, "status": "success", "course_title": HOSTILE})
        done = waiting.result()
    assert done.returncode == 0, done.stderr
    assert "course_title" in done.stdout
    assert_harmless(done.stdout + done.stderr)
