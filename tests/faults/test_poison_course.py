"""A course that ends its process every time (fault 9)."""

import signal
from collections.abc import Callable

from src.domain.status import CourseStatus
from tests.conftest import Workers
from tests.peers import LEASE, Peer
from tests.sql import Psql
from tests.upstream import Upstream


def test_after_its_last_attempt_it_fails_and_is_never_claimed_again(
    psql: Psql, peer: Callable[..., Peer], queue_course: Callable[..., str]
) -> None:
    queue_course()
    rescuer = peer()
    for attempt in (1, 2, 3):
        victim = peer()
        assert victim.claim_one().attempt == attempt
        psql.run(f"DELETE FROM workers WHERE id = '{victim.id}'")
        psql.run(f"UPDATE workers SET unbroken_since = now() - interval '{LEASE} s' WHERE id = '{rescuer.id}'")
        (rescue,) = rescuer.rescue(max_attempts=3)
        assert rescue.status is (CourseStatus.FAILED if attempt == 3 else CourseStatus.QUEUED)
        psql.run("UPDATE generation_queue SET run_after = now()")
    assert peer().claim() == []
    course = psql.row("SELECT status, error_code, error_message, attempts FROM courses")
    assert (course["status"], course["error_code"], course["attempts"]) == ("FAILED", "attempts_exhausted", 3)
    assert "after 3 attempts" in course["error_message"]
    result = psql.row("SELECT convert_from(body, 'UTF8')::json AS body FROM outbox WHERE type = 'course.error'")
    assert (result["body"]["error_code"], result["body"]["retryable"]) == ("attempts_exhausted", True)


def test_each_new_try_comes_later_than_the_one_before(
    psql: Psql, peer: Callable[..., Peer], queue_course: Callable[..., str]
) -> None:
    queue_course()
    rescuer = peer()
    delays = []
    for _ in range(4):
        victim = peer()
        victim.claim(max_attempts=10)
        psql.run(f"DELETE FROM workers WHERE id = '{victim.id}'")
        psql.run(f"UPDATE workers SET unbroken_since = now() - interval '{LEASE} s' WHERE id = '{rescuer.id}'")
        rescuer.rescue(max_attempts=10)
        delays.append(
            psql.value(
                "SELECT extract(epoch FROM q.run_after - c.updated_at)"
                " FROM generation_queue q JOIN courses c ON c.id = q.course_id"
            )
        )
        psql.run("UPDATE generation_queue SET run_after = now()")
    assert delays == [0, 4, 8, 16]


def test_real_processes_die_of_it_until_it_is_given_up(
    workers: Workers, upstream: Upstream, psql: Psql, user_id: str
) -> None:
    settings = {"CRASH_AT": "lesson_answered", "COURSE_MAX_ATTEMPTS": "2"}
    first = workers.start(**settings)
    upstream.request(user_id, num_lessons=1)
    assert first.wait() == -signal.SIGKILL
    second = workers.start_heir(psql, of=first, **settings)
    assert second.wait() == -signal.SIGKILL
    survivor = workers.start_heir(psql, of=second, **settings)
    result = upstream.result().fields
    assert (result["status"], result["error_code"]) == ("error", "attempts_exhausted")
    assert survivor.stop() == 0
    assert psql.value("SELECT attempts FROM courses") == 2
