"""One user who queues far more courses than there are turns to give."""

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from tests.peers import Peer
from tests.sql import Psql

pytestmark = pytest.mark.attack

MANY = 20_000


def test_however_many_courses_a_user_queues_another_gets_its_turn_at_once(
    psql: Psql, peer: Callable[..., Peer], queue_course: Callable[..., str]
) -> None:
    greedy = uuid4()
    psql.run(
        "INSERT INTO courses (user_id, topic, title, grade_level, total_lessons)"
        f" SELECT '{greedy}', 'Cells', 'Cells', 'Grade 8', 2 FROM generate_series(1, {MANY})"
    )
    late, urgent = queue_course(), queue_course(greedy)
    psql.run(f"UPDATE generation_queue SET priority = 9 WHERE course_id = '{urgent}'")
    claims = peer().claim(limit=3)
    assert claims[0].course_id == UUID(urgent)
    assert UUID(late) in {claim.course_id for claim in claims}
    # They were given to few, so that nobody waited for the rest.
    assert psql.value("SELECT count(*) FROM generation_queue WHERE fair_rank IS NOT NULL") < 20


def test_however_many_users_there_are_each_gets_its_turn_some_time(psql: Psql, peer: Callable[..., Peer]) -> None:
    psql.run(
        "INSERT INTO courses (user_id, topic, title, grade_level, total_lessons)"
        " SELECT gen_random_uuid(), 'Cells', 'Cells', 'Grade 8', 2 FROM generate_series(1, 3000)"
    )
    worker = peer()
    known: tuple[UUID, ...] = ()
    for _ in range(60):
        known += tuple(claim.lease_id for claim in worker.claim(limit=50, known=known))
    assert len(known) == 3000
