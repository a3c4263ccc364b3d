"""One user who queues far more courses than there are turns to give."""

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from src.config import DatabaseSettings
from src.services.database.user_limits import NO_LIMITS, UserLimits
from tests.attacks.locks import holding
from tests.peers import Peer
from tests.sql import Psql

pytestmark = pytest.mark.attack

MANY = 20_000


def queue(psql: Psql, user: str, number: int) -> None:
    """Queues courses by plain SQL."""
    psql.run(
        "INSERT INTO courses (user_id, topic, title, grade_level, total_lessons)"
        f" SELECT {user}, 'Cells', 'Cells', 'Grade 8', 2 FROM generate_series(1, {number})"
    )


@pytest.mark.parametrize("limits", [NO_LIMITS, UserLimits(1000, None)])
def test_however_many_courses_a_user_queues_another_gets_its_turn_at_once(
    psql: Psql, peer: Callable[..., Peer], queue_course: Callable[..., str], limits: UserLimits
) -> None:
    greedy = uuid4()
    queue(psql, f"'{greedy}'", MANY)
    late, urgent = queue_course(), queue_course(greedy)
    psql.run(f"UPDATE generation_queue SET priority = 9 WHERE course_id = '{urgent}'")
    claims = peer(limits=limits).claim(limit=3)
    assert claims[0].course_id == UUID(urgent)
    assert UUID(late) in {claim.course_id for claim in claims}
    # They were given to few, so that nobody waited for the rest.
    assert psql.value("SELECT count(*) FROM generation_queue WHERE fair_rank IS NOT NULL") < 200


@pytest.mark.parametrize("limits", [UserLimits(5, None), UserLimits(None, 5), UserLimits(5, 5)])
def test_of_many_courses_beyond_the_limits_a_few_fail_at_a_time_and_another_user_waits_for_none(
    psql: Psql, peer: Callable[..., Peer], queue_course: Callable[..., str], limits: UserLimits
) -> None:
    queue(psql, f"'{uuid4()}'", MANY)
    late = queue_course()
    claims = peer(limits=limits).claim(limit=10)
    assert len(claims) == 6
    assert UUID(late) in {claim.course_id for claim in claims}
    failed = psql.value("SELECT count(*) FROM courses WHERE error_code = 'limit_exceeded'")
    assert 0 < failed < 1000


def test_courses_that_were_asked_for_by_message_count_before_those_that_were_queued_by_sql(
    psql: Psql, peer: Callable[..., Peer]
) -> None:
    user = uuid4()
    queue(psql, f"'{user}'", 5)
    psql.run("UPDATE courses SET request = '{}' WHERE id = (SELECT max(id::text)::uuid FROM courses)")
    assert len(peer(limits=UserLimits(2, None)).claim(limit=10)) == 2
    assert psql.value("SELECT count(*) FROM courses WHERE status = 'GENERATING' AND request IS NOT NULL") == 1


def test_however_many_users_there_are_each_gets_its_turn_some_time(psql: Psql, peer: Callable[..., Peer]) -> None:
    queue(psql, "gen_random_uuid()", 3000)
    worker = peer()
    known: tuple[UUID, ...] = ()
    for _ in range(60):
        known += tuple(claim.lease_id for claim in worker.claim(limit=50, known=known))
    assert len(known) == 3000


def test_however_many_users_there_are_what_is_urgent_comes_first(
    psql: Psql, peer: Callable[..., Peer], queue_course: Callable[..., str]
) -> None:
    queue(psql, "gen_random_uuid()", 3000)
    urgent = queue_course()
    psql.run(f"UPDATE generation_queue SET priority = 9 WHERE course_id = '{urgent}'")
    assert peer().claim_one().course_id == UUID(urgent)


@pytest.mark.parametrize("limits", [UserLimits(2, None), UserLimits(None, 2)])
def test_a_user_gets_no_more_by_locking_his_courses_while_they_are_counted(
    psql: Psql, peer: Callable[..., Peer], database_settings: DatabaseSettings, limits: UserLimits
) -> None:
    user = uuid4()
    queue(psql, f"'{user}'", 20)
    worker = peer(limits=limits)
    with holding(database_settings, f"SELECT FROM courses WHERE user_id = '{user}' FOR UPDATE"):
        assert worker.claim(limit=20) == []
    assert len(worker.claim(limit=20)) == 2
    assert psql.value("SELECT count(*) FROM courses WHERE error_code = 'limit_exceeded'") == 18
