"""A database whose clock was an hour ahead for a minute, and was put back."""

import pytest

from tests.conftest import Workers
from tests.sql import Psql
from tests.stand_in import StandIn
from tests.upstream import Upstream
from tests.waiting import eventually

pytestmark = pytest.mark.attack

# What every time that was written in that minute looks like afterwards.
PUT_BACK = """
UPDATE workers SET started_at = started_at + '1 h', last_seen_at = last_seen_at + '1 h',
                   unbroken_since = unbroken_since + '1 h';
UPDATE generation_queue SET queued_at = queued_at + '1 h', run_after = run_after + '1 h', leased_at = leased_at + '1 h';
UPDATE outbox SET created_at = created_at + '1 h', publish_after = publish_after + '1 h',
                  claimed_until = now() + '1 h 2 min', claimed_by = (SELECT id FROM workers LIMIT 1)
WHERE published_at IS NULL;
"""


def test_after_a_clock_was_put_back_everything_goes_on(
    workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, user_id: str
) -> None:
    stand_in.fault("hold", lesson=1)
    killed = workers.start(WORKER_SLOTS="1")
    leased = upstream.request(user_id, topic="Leased", num_lessons=1)
    stand_in.wait_until_held()
    queued = upstream.request(user_id, topic="Queued", num_lessons=1)
    failed = upstream.request(user_id, topic="Failed", num_lessons=1)
    eventually(lambda: psql.value("SELECT count(*) FROM courses") == 3, "all are accepted")
    psql.run(f"UPDATE courses SET status = 'FAILED' WHERE request_id = '{failed}'")
    killed.kill()
    stand_in.release()
    psql.run(PUT_BACK)
    psql.run(f"UPDATE courses SET status = 'QUEUED' WHERE request_id = '{failed}'")
    workers.start()
    results = [upstream.result().fields for _ in range(4)]
    ready = {result["request_id"] for result in results if result["status"] == "success"}
    assert ready == {leased, queued, failed}


def test_a_pause_is_believed(workers: Workers, upstream: Upstream, psql: Psql, user_id: str) -> None:
    psql.run(
        "INSERT INTO courses (user_id, topic, title, grade_level, total_lessons)"
        " VALUES (gen_random_uuid(), 't', 'Paused', 'g', 1)"
    )
    psql.run("UPDATE generation_queue SET run_after = 'infinity'")
    workers.start()
    upstream.request(user_id, num_lessons=1)
    assert upstream.result().fields["status"] == "success"
    assert psql.value("SELECT status FROM courses WHERE title = 'Paused'") == "QUEUED"
