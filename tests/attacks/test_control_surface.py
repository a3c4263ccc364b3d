"""The control surface: what SQL on `courses` and the library may not break."""

from pathlib import Path

import pytest

from tests.conftest import Workers
from tests.sql import Psql, SQLError
from tests.stand_in import StandIn
from tests.upstream import STATUS, Upstream
from tests.waiting import eventually
from tests.worker_process import WorkerProcess

pytestmark = pytest.mark.attack


def test_truncate_in_mid_course_tells_those_who_wait(
    workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, user_id: str
) -> None:
    stand_in.fault("hold", lesson=2)
    worker = workers.start()
    done = upstream.request(user_id, topic="Finished before", num_lessons=1)
    assert upstream.result().fields["request_id"] == done
    under_way = upstream.request(user_id, num_lessons=2)
    stand_in.wait_until_held()
    psql.run("INSERT INTO courses (user_id, topic, title, grade_level) VALUES (gen_random_uuid(), 't', 't', 'g')")
    psql.run("TRUNCATE courses CASCADE")
    told = [upstream.result().fields for _ in range(2)]
    assert [(result["status"], result["error_code"]) for result in told] == [("error", "cancelled")] * 2
    assert under_way in [result["request_id"] for result in told]
    worker.wait_for("lease_lost")
    stand_in.release()
    again = upstream.request(user_id, topic="Afterwards", num_lessons=1)
    assert upstream.result().fields["request_id"] == again
    assert worker.stop() == 0
    assert upstream.waiting(STATUS) == []


def test_truncate_of_the_library_leaves_no_counts(
    workers: Workers, environment: dict[str, str], psql: Psql, tmp_path: Path
) -> None:
    (tmp_path / "cells.md").write_text("# Cells\n\nA cell has a membrane. The membrane is the border of the cell.")
    added = WorkerProcess(environment, tmp_path, "sources", "add", str(tmp_path / "cells.md"))
    assert added.wait() == 0, added
    assert psql.value("SELECT count(*) FROM source_lexemes") > 0
    psql.run("TRUNCATE source_documents CASCADE")
    assert psql.rows("SELECT * FROM source_lexemes UNION ALL SELECT * FROM source_prefixes") == []


def test_truncate_of_lessons_in_mid_course_has_them_written_again(
    workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, user_id: str
) -> None:
    stand_in.fault("hold", lesson=2)
    worker = workers.start()
    upstream.request(user_id, num_lessons=2)
    worker.wait_for("lesson_saved", lesson=1)
    stand_in.wait_until_held()
    psql.run("TRUNCATE lessons CASCADE")
    stand_in.release()
    worker.wait_for("course_released")
    psql.run("UPDATE generation_queue SET run_after = now()")
    assert upstream.result().fields["status"] == "success"
    assert psql.value("SELECT count(*) FROM lessons") == 2


def test_a_course_in_the_queue_is_not_ready_before_its_lessons_are(
    workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, user_id: str
) -> None:
    stand_in.fault("hold", lesson=2)
    worker = workers.start()
    request_id = upstream.request(user_id, num_lessons=2)
    worker.wait_for("lesson_saved", lesson=1)
    stand_in.wait_until_held()
    for change in ("", ", outline_json = NULL", ", outline_json = '5'", ", outline_json = '{\"lessons\": {}}'"):
        with pytest.raises(SQLError, match=r"can't become READY: it has 1 lesson\(s\)"):
            psql.run(f"UPDATE courses SET status = 'READY'{change}")
    stand_in.release()
    result = upstream.result().fields
    assert (result["request_id"], result["status"]) == (request_id, "success")


@pytest.mark.parametrize("outline", ["5", "[]", '{"lessons": 5}', '{"title": "Cells"}'])
def test_an_outline_that_is_broken_in_mid_course_fails_the_course_once(
    workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, user_id: str, outline: str
) -> None:
    stand_in.fault("hold", lesson=2)
    worker = workers.start()
    upstream.request(user_id, num_lessons=2)
    worker.wait_for("lesson_saved", lesson=1)
    stand_in.wait_until_held()
    psql.run(f"UPDATE courses SET outline_json = '{outline}'")
    stand_in.release()
    worker.wait_for("course_released")
    psql.run("UPDATE generation_queue SET run_after = now()")
    result = upstream.result().fields
    assert (result["status"], result["error_code"]) == ("error", "internal")
    reason = psql.value("SELECT reason FROM course_events ORDER BY id DESC LIMIT 1")
    assert reason.startswith("outline_json was changed: ")
    assert psql.row("SELECT status, attempts FROM courses") == {"status": "FAILED", "attempts": 2}
    eventually(lambda: psql.value("SELECT count(*) FROM generation_queue") == 0, "it is tried no more")
