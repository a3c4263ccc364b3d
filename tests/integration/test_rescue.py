"""Rescue: courses of workers that are gone, with time moved by hand."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine

from src.config import DatabaseSettings
from src.domain.errors import LeaseLost
from src.domain.status import CourseStatus
from src.services.database.connection import Database, database_url
from src.services.database.statements import sql
from tests.integration.test_queue import MakePeer, QueueCourse, do, finished_course
from tests.peers import LEASE, Peer
from tests.sql import Psql
from tests.waiting import eventually


def unseen_for(psql: Psql, peer: Peer, seconds: float) -> None:
    """Moves a worker's last heartbeat back in time."""
    psql.run(f"UPDATE workers SET last_seen_at = now() - interval '{seconds} s' WHERE id = '{peer.id}'")


def unbroken_for(psql: Psql, peer: Peer, seconds: float) -> None:
    """Makes it that a worker has been beating for so long."""
    psql.run(f"UPDATE workers SET unbroken_since = now() - interval '{seconds} s' WHERE id = '{peer.id}'")


def test_a_course_whose_worker_missed_a_whole_lease_is_freed(
    psql: Psql, peer: MakePeer, queue_course: QueueCourse
) -> None:
    course_id = queue_course()
    gone, rescuer = peer(), peer()
    gone.claim_one()
    unbroken_for(psql, rescuer, LEASE)
    unseen_for(psql, gone, LEASE / 2)
    assert rescuer.rescue() == []
    unseen_for(psql, gone, LEASE + 1)
    (rescue,) = rescuer.rescue()
    assert (str(rescue.course_id), rescue.status, rescue.worker) == (course_id, CourseStatus.QUEUED, gone.id)
    assert rescuer.claim_one().attempt == 2
    assert "rescued" in psql.value(
        "SELECT reason FROM course_events WHERE from_status = 'GENERATING' ORDER BY id DESC LIMIT 1"
    )


def test_a_course_whose_worker_has_no_row_is_freed(psql: Psql, peer: MakePeer, queue_course: QueueCourse) -> None:
    queue_course()
    gone, rescuer = peer(), peer()
    gone.claim_one()
    psql.run(f"DELETE FROM workers WHERE id = '{gone.id}'")
    assert rescuer.rescue() == []  # it has not been here for a whole lease itself
    unbroken_for(psql, rescuer, LEASE)
    assert len(rescuer.rescue()) == 1


def test_who_was_cut_off_himself_rescues_nobody_who_lives(
    psql: Psql, peer: MakePeer, queue_course: QueueCourse
) -> None:
    queue_course()
    living, first_back = peer(), peer()
    claim = living.claim_one()
    for worker in (living, first_back):  # an outage for all
        unbroken_for(psql, worker, 10 * LEASE)
        unseen_for(psql, worker, 2 * LEASE)
    assert first_back.rescue() == []  # not before its own beat
    first_back.beat()
    assert first_back.rescue() == []  # nor right after: its run of beats is new
    assert living.beat() == {claim.lease_id}
    unbroken_for(psql, first_back, LEASE)
    assert first_back.rescue() == []


def test_beats_in_time_leave_the_run_unbroken(psql: Psql, peer: MakePeer) -> None:
    worker = peer()
    unbroken_for(psql, worker, 100)
    unseen_for(psql, worker, LEASE / 2)
    worker.beat()
    assert psql.value("SELECT now() - unbroken_since > interval '99 s' FROM workers") is True


def test_a_course_that_is_held_beyond_its_deadline_is_freed_from_the_living(
    psql: Psql, peer: MakePeer, queue_course: QueueCourse
) -> None:
    queue_course()
    stuck, rescuer = peer(), peer()
    stuck.claim_one()
    psql.run("UPDATE generation_queue SET leased_at = now() - interval '1 h'")
    unbroken_for(psql, rescuer, LEASE)
    assert rescuer.rescue(course_deadline=7200) == []
    assert len(rescuer.rescue(course_deadline=1800)) == 1


def test_after_an_outage_that_all_were_in_no_course_is_late(
    psql: Psql, peer: MakePeer, queue_course: QueueCourse
) -> None:
    queue_course()
    living, first_back = peer(), peer()
    living.claim_one()
    psql.run("UPDATE generation_queue SET leased_at = now() - interval '1 h'")
    assert first_back.rescue(course_deadline=1800) == []  # its own beats have only begun
    (adopted,) = living.claim()
    unbroken_for(psql, first_back, LEASE)
    assert first_back.rescue(course_deadline=1800) == []  # its worker has taken it up again
    assert adopted.attempt == 1


@pytest.mark.parametrize("judges_lease", [LEASE, 10 * LEASE], ids=["same settings", "a patient judge"])
def test_an_outage_that_ends_before_the_judges_own_lease_takes_nothing_from_the_living(
    psql: Psql, peer: MakePeer, queue_course: QueueCourse, judges_lease: float
) -> None:
    """Fault 18: the living one beat just before it, the judge just after that; so only one of them is a lease late."""
    queue_course()
    living, judge = peer(), peer(lease=judges_lease)
    living.claim_one()
    unbroken_for(psql, judge, 1000)
    unseen_for(psql, judge, 0.86 * LEASE)
    judge.beat()
    unseen_for(psql, living, LEASE + 1)
    assert judge.rescue() == []
    unseen_for(psql, living, 2 * LEASE)  # by now it would have had the time for a beat
    assert len(judge.rescue()) == 1


def test_the_lease_time_is_that_of_the_worker_that_is_judged(
    psql: Psql, peer: MakePeer, queue_course: QueueCourse
) -> None:
    for _ in range(2):
        queue_course()
    patient, quick, hasty = peer(lease=300.0), peer(lease=10.0), peer(lease=10.0)
    patient.claim_one()
    taken = quick.claim_one()
    unbroken_for(psql, hasty, 1000)
    for worker in (patient, quick):
        unseen_for(psql, worker, 100)
    assert [rescue.course_id for rescue in hasty.rescue()] == [taken.course_id]


def test_a_rescuer_and_a_finishing_worker_can_not_both_win(
    psql: Psql, peer: MakePeer, queue_course: QueueCourse
) -> None:
    queue_course()
    slow, rescuer = peer(), peer()
    claim = finished_course(slow)
    unbroken_for(psql, rescuer, LEASE)
    unseen_for(psql, slow, 2 * LEASE)
    assert len(rescuer.rescue()) == 1
    with pytest.raises(LeaseLost):
        do(slow.store.finish(claim, None, None))
    assert psql.value("SELECT status FROM courses") == "QUEUED"
    again = rescuer.claim_one()
    do(rescuer.store.finish(again, None, None))
    slow.beat()
    unbroken_for(psql, slow, LEASE)
    unseen_for(psql, rescuer, 2 * LEASE)
    assert slow.rescue() == []
    assert psql.value("SELECT status FROM courses") == "READY"


def test_a_finishing_worker_waits_for_a_rescue_under_way_and_then_writes_nothing(
    psql: Psql, peer: MakePeer, queue_course: QueueCourse, database_settings: DatabaseSettings
) -> None:
    """Fault 10, the other way round: the rescuer comes first and hasn't committed yet."""
    queue_course()
    slow, rescuer = peer(), peer()
    claim = finished_course(slow)
    unbroken_for(psql, rescuer, LEASE)
    unseen_for(psql, slow, 2 * LEASE)
    engine = create_engine(database_url(database_settings))
    limits = {"max_attempts": 3, "course_deadline": 1800.0, "limit": 100}
    with ThreadPoolExecutor(1) as thread:
        with engine.begin() as connection:
            judge = {"worker_id": rescuer.id, "lease": LEASE, **limits}
            assert len(connection.execute(sql("rescue_courses"), judge).all()) == 1
            finishing = thread.submit(do, slow.store.finish(claim, None, None))
            waiting = (
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            eventually(lambda: psql.value(waiting) == 1, "it waits for the rescuer")
        with pytest.raises(LeaseLost):
            finishing.result(30)
    engine.dispose()
    assert psql.row("SELECT status, attempts FROM courses") == {"status": "QUEUED", "attempts": 1}
    assert psql.value("SELECT count(*) FROM outbox WHERE type = 'course.success'") == 0


def test_a_course_that_is_just_being_finished_is_left_to_its_worker(
    psql: Psql, peer: MakePeer, queue_course: QueueCourse, database_settings: DatabaseSettings
) -> None:
    queue_course()
    # If it waited for the lock, it would give up, and not try again until it may no longer judge.
    impatient = Database(database_settings.model_copy(update={"patience": 0}))
    slow, rescuer = peer(), Peer(impatient)
    claim = finished_course(slow)
    unbroken_for(psql, rescuer, LEASE)
    unseen_for(psql, slow, 2 * LEASE)
    engine = create_engine(database_url(database_settings))
    with engine.begin() as connection:  # the worker has proven its lease and not committed yet
        held, _ = connection.execute(
            sql("hold_lease"), {"course_id": claim.course_id, "lease_id": claim.lease_id}
        ).one()
        assert held
        assert rescuer.rescue() == []
    engine.dispose()
    do(slow.store.finish(claim, None, None))
    assert rescuer.rescue() == []
    impatient.dispose()
    assert psql.value("SELECT status FROM courses") == "READY"


def test_processes_killed_long_ago_are_taken_off_the_list(
    psql: Psql, peer: MakePeer, queue_course: QueueCourse
) -> None:
    old, holding, young = peer(), peer(), peer()
    queue_course()
    holding.claim_one()
    for worker in (old, holding):
        unseen_for(psql, worker, 4000)
    asyncio.run(young.registry.prune())
    left = {row["id"] for row in psql.rows("SELECT id FROM workers")}
    assert left == {str(holding.id), str(young.id)}
