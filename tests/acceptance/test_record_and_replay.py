"""A worker records a course, another one writes it again from the file: fresh database, no model, no sources."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from src.devtools.local_postgres import LocalPostgres
from src.operations.known_schema import ROOT
from tests.conftest import Workers, new_database
from tests.sql import Psql
from tests.stand_in import StandIn
from tests.upstream import Upstream

KEY = "sk-a-key-that-nobody-may-see-0123456789"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+00:00")


def replaying(postgres: LocalPostgres, file: Path) -> tuple[dict[str, str], Psql]:
    """Settings of a worker with nothing but the file, a fresh database and the broker; and SQL on that database."""
    database = new_database(postgres)
    settings = {
        **postgres.environment(database.name),
        "OPENAI_REPLAY_FROM": str(file),
        "OPENAI_BASE_URL": "",
        "OPENAI_ALLOW_REMOTE": "off",
        "VECTOR_DB_ID": "vs_1",
        "OUTPUT_DIR": str(file.parent / "again"),
    }
    return settings, Psql(postgres, database)


def record(workers: Workers, upstream: Upstream, file: Path, user_id: str) -> dict[str, Any]:
    with StandIn(sources=ROOT / "samples") as stand_in:
        settings = {"OPENAI_BASE_URL": stand_in.base_url, "OPENAI_API_KEY": KEY, "VECTOR_DB_ID": "vs_1"}
        worker = workers.start(**settings, OPENAI_RECORD_TO=str(file))
        upstream.request(user_id, request_id="r-1", num_lessons=3)
        result = upstream.result().fields
        assert worker.stop() == 0
    assert result["status"] == "success"
    return result


def test_the_same_request_to_a_worker_that_replays_gives_the_same_files_byte_for_byte(
    workers: Workers, upstream: Upstream, postgres: LocalPostgres, psql: Psql, tmp_path: Path, user_id: str
) -> None:
    file = tmp_path / "calls.jsonl"
    first = record(workers, upstream, file, user_id)
    assert KEY not in file.read_text()
    paths = {json.loads(line)["path"] for line in file.read_text().splitlines()}
    assert paths == {"/chat/completions", "/vector_stores/vs_1/search"}

    settings, own_psql = replaying(postgres, file)
    worker = workers.start(**settings)
    upstream.request(user_id, request_id="r-1", num_lessons=3)
    second = upstream.result().fields
    assert worker.stop() == 0
    assert worker.lines("model_replayed") and not worker.lines("claiming_stopped")

    folders = Path(first["output_path"]), Path(second["output_path"])
    assert folders[0] != folders[1]
    markdown = [(folder / "course.md").read_bytes() for folder in folders]
    assert markdown[0] == markdown[1]
    written = [TIME.sub("a time", (folder / "course.json").read_text()) for folder in folders]
    assert written[0] == written[1]
    assert {**second, **dict.fromkeys(("timestamp", "output_path"))} == {
        **first,
        **dict.fromkeys(("timestamp", "output_path")),
    }
    bodies = "SELECT content_md, content_json FROM v_lessons_full ORDER BY lesson_number"
    assert own_psql.rows(bodies) == psql.rows(bodies)


def test_another_request_fails_at_once_and_upstream_is_told_what_to_do(
    workers: Workers, upstream: Upstream, postgres: LocalPostgres, tmp_path: Path, user_id: str
) -> None:
    file = tmp_path / "calls.jsonl"
    record(workers, upstream, file, user_id)
    settings, own_psql = replaying(postgres, file)
    worker = workers.start(**settings)
    upstream.request(user_id, request_id="r-2", num_lessons=3, topic="Volcanoes")
    failed = upstream.result().fields
    assert (failed["error_code"], failed["retryable"]) == ("model_refused", False)
    assert "OPENAI_REPLAY_FROM has no answer to this POST /vector_stores/vs_1/search" in failed["message"]
    assert "record the course again" in failed["message"]
    assert own_psql.row("SELECT status, attempts FROM courses") == {"status": "FAILED", "attempts": 1}
    assert not worker.lines("model_retry") and not worker.lines("claiming_stopped")


@pytest.mark.parametrize(
    ("names", "code", "line"),
    [
        (
            {"OPENAI_RECORD_TO": "good", "OPENAI_REPLAY_FROM": "bad"},
            2,
            "settings: OPENAI_RECORD_TO and OPENAI_REPLAY_FROM must not be set together: unset one of them",
        ),
        ({"OPENAI_REPLAY_FROM": "gone"}, 2, "settings: OPENAI_REPLAY_FROM: Path does not point to a file"),
        ({"OPENAI_REPLAY_FROM": "bad"}, 1, "OPENAI_REPLAY_FROM: line 1 of .*bad is no recorded call; .*again"),
        ({"OPENAI_RECORD_TO": "no/folder"}, 1, "OPENAI_RECORD_TO: .*folder can't be written: No such file or dir.*"),
    ],
)
def test_what_can_not_be_recorded_to_or_replayed_ends_the_start_with_one_line(
    workers: Workers, tmp_path: Path, names: dict[str, str], code: int, line: str
) -> None:
    (tmp_path / "bad").write_text("no recording\n")
    worker = workers.launch(**{name: str(tmp_path / file) for name, file in names.items()})
    assert worker.wait() == code
    (said,) = worker.other_output
    assert re.fullmatch(line, said)
