"""Machines whose clocks disagree (fault 38). Real processes, one of them with a clock that is off by an hour."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from src.operations.known_schema import ROOT
from tests.conftest import Workers
from tests.peers import Peer
from tests.sql import Psql
from tests.stand_in import StandIn
from tests.upstream import Upstream
from tests.worker_process import WorkerProcess

# Python runs this before any program. The clock that counts the time since the start of the machine stays as it is.
SITECUSTOMIZE = """
import datetime
import time_machine
time_machine.travel(datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours={hours})).start()
"""


def hours_off(worker: WorkerProcess) -> int:
    by_its_clock = datetime.fromisoformat(worker.wait_for("worker_started")["timestamp"])
    return round((by_its_clock - datetime.now(UTC)) / timedelta(hours=1))


@pytest.mark.parametrize("hours", [pytest.param(1, id="fast"), pytest.param(-1, id="slow", marks=pytest.mark.long)])
@pytest.mark.parametrize("judge_is_off", [False, True], ids=["who is judged", "the judge"])
def test_a_clock_that_is_off_by_an_hour_takes_no_course_and_loses_none(
    workers: Workers,
    upstream: Upstream,
    psql: Psql,
    stand_in: StandIn,
    peer: Callable[..., Peer],
    queue_course: Callable[..., str],
    user_id: str,
    tmp_path: Path,
    hours: int,
    judge_is_off: bool,
) -> None:
    (tmp_path / "sitecustomize.py").write_text(SITECUSTOMIZE.format(hours=hours))
    off = {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    left_behind = queue_course(lessons=1)
    dead = peer(lease=1000.0)
    dead.claim_one()
    stand_in.fault("hold", purpose="lesson", times=None)
    judged = workers.start(**({} if judge_is_off else off))
    upstream.request(user_id, num_lessons=1, topic="Plants")
    stand_in.wait_until_held()
    judge = workers.start(**(off if judge_is_off else {}))
    assert (hours_off(judged), hours_off(judge)) == ((0, hours) if judge_is_off else (hours, 0))

    # Only the judge has been here for long enough to say that the dead one is. It does; and leaves the living alone.
    psql.run(f"UPDATE workers SET last_seen_at = now() - interval '1 hour' WHERE id = '{dead.id}'")
    psql.run(f"UPDATE workers SET unbroken_since = now() - interval '1 hour' WHERE pid = {judge.pid}")
    judge.wait_for("course_rescued", course_id=left_behind)
    stand_in.release()
    assert sorted(result.fields["course_title"] for result in upstream.results(2)) == ["Cells", "Plants"]
    for worker in (judged, judge):
        assert worker.stop() == 0
    assert len(judge.lines("course_rescued")) == 1 and judged.lines("course_rescued") == []
    assert psql.value(f"SELECT attempts FROM courses WHERE user_id = '{user_id}'") == 1
    assert (stand_in.calls["Plants/outline"], stand_in.calls["Plants/lesson 1"]) == (1, 1)
