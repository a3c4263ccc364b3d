"""Claim, fence, release, rescue: several workers on one database, with time moved by hand."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
import structlog
from sqlalchemy import text

from src.config import DatabaseSettings
from src.domain.course import Claim
from src.domain.course_json import content_json
from src.domain.errors import ErrorCode, LeaseLost
from src.domain.files_course import usage as files_usage
from src.domain.lesson import Lesson, Origin
from src.domain.model_call import ModelCall
from src.domain.outline import Outline
from src.domain.quality_figures import course_figures
from src.domain.stored_course import stored_lesson
from src.services.database.connection import Database
from tests.lessons import PLAN
from tests.lessons import lesson as good_lesson
from tests.peers import Peer
from tests.sql import Psql

MakePeer = Callable[..., Peer]
QueueCourse = Callable[..., str]

OUTLINE = Outline.model_validate(
    {"title": "About Cells", "description": "D", "lessons": [PLAN, {**PLAN, "lesson_number": 2, "title": "Parts"}]}
)


def lesson(number: int, written_by: str = "test-model") -> Lesson:
    origin = Origin(written_by, 1, "f" * 64)
    return replace(good_lesson(plan=OUTLINE.lessons[number - 1].model_dump()), origin=origin)


def call(**changes: Any) -> ModelCall:
    values = {"id": uuid4(), "purpose": "lesson", "lesson_number": 1, "model": "m", "input_tokens": 10}
    rest = {"cached_tokens": 4, "output_tokens": 5, "cost": 0.5, "seconds": 1.0, "outcome": "ok"}
    return ModelCall(**{**values, **rest, **changes})


def do(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def finished_course(peer: Peer) -> Claim:
    claim = peer.claim_one()
    do(peer.store.save_outline(claim, OUTLINE, []))
    for number in (1, 2):
        do(peer.store.save_lesson(claim, lesson(number), []))
    return claim


class TestClaim:
    def test_it_counts_the_attempt_and_gives_a_new_lease(
        self, psql: Psql, peer: MakePeer, queue_course: QueueCourse
    ) -> None:
        course_id = queue_course()
        worker = peer()
        claim = worker.claim_one()
        assert (str(claim.course_id), claim.attempt, claim.saved_lessons) == (course_id, 1, frozenset())
        assert claim.brief.num_lessons == 2
        row = psql.row("SELECT attempt, lease_id, lease_owner FROM generation_queue")
        assert row == {"attempt": 1, "lease_id": str(claim.lease_id), "lease_owner": str(worker.id)}
        assert psql.row("SELECT status, attempts FROM courses") == {"status": "GENERATING", "attempts": 1}
        assert worker.beat() == {claim.lease_id}

    def test_no_course_is_claimed_twice(self, peer: MakePeer, queue_course: QueueCourse) -> None:
        for _ in range(20):
            queue_course()
        workers = [peer() for _ in range(4)]
        claims: list[Claim] = []

        def work(worker: Peer) -> None:
            while found := worker.claim(limit=2, known=tuple(claim.lease_id for claim in claims)):
                claims.extend(found)

        threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(claims) == len({claim.course_id for claim in claims}) == 20

    def test_what_is_not_due_yet_or_has_no_attempt_left_is_left(
        self, psql: Psql, peer: MakePeer, queue_course: QueueCourse
    ) -> None:
        later, tired, due = queue_course(), queue_course(), queue_course()
        psql.run(f"UPDATE generation_queue SET run_after = now() + interval '1 minute' WHERE course_id = '{later}'")
        psql.run(f"UPDATE generation_queue SET attempt = 3 WHERE course_id = '{tired}'")
        assert [str(claim.course_id) for claim in peer().claim()] == [due]

    def test_it_does_not_wait_for_a_row_that_an_operator_holds(
        self, database: Database, peer: MakePeer, queue_course: QueueCourse
    ) -> None:
        held, free = queue_course(), queue_course()
        with database._engine.begin() as operator:
            operator.execute(text("UPDATE public.courses SET title = 'x' WHERE id = :id"), {"id": held})
            assert [str(claim.course_id) for claim in peer().claim()] == [free]

    def test_it_says_what_earlier_attempts_have_taken_also_of_calls_that_an_older_worker_recorded(
        self, psql: Psql, peer: MakePeer, queue_course: QueueCourse
    ) -> None:
        queue_course()
        worker = peer()
        first = worker.claim_one()
        calls = [
            call(input_tokens=10, output_tokens=5, budget_tokens=15),
            call(input_tokens=0, output_tokens=0, budget_tokens=900),  # estimated
            call(input_tokens=2**31 - 1, output_tokens=2**31 - 1),  # as before budget_tokens was there
        ]
        do(worker.store.release(first, "why", calls))
        assert (first.tokens, worker.claim_one().tokens) == (0, 915 + 2**32 - 2)

    def test_a_lease_that_the_worker_does_not_know_of_is_adopted(
        self, peer: MakePeer, queue_course: QueueCourse
    ) -> None:
        queue_course()
        worker = peer()
        lost_answer = worker.claim_one()
        assert worker.claim() == []  # not before a beat has shown that no copy of the worker has it
        worker.beat()
        (adopted,) = worker.claim()
        assert (adopted.course_id, adopted.attempt) == (lost_answer.course_id, 1)
        assert worker.claim(known=(adopted.lease_id,)) == []
        assert peer().claim() == []

    def test_what_is_still_on_its_way_from_before_the_adoption_comes_too_late(
        self, psql: Psql, peer: MakePeer, queue_course: QueueCourse
    ) -> None:
        """Else an outline of the slot that stopped could come after the one that lessons are being written for."""
        queue_course()
        worker = peer()
        stopped = worker.claim_one()
        worker.beat()
        (adopted,) = worker.claim()
        do(worker.store.save_outline(adopted, OUTLINE, []))
        late = OUTLINE.model_copy(update={"title": "Another plan"})
        with pytest.raises(LeaseLost):
            do(worker.store.save_outline(stopped, late, []))
        assert psql.value("SELECT title FROM courses") == OUTLINE.title


class TestFence:
    """Once the lease is gone, no transaction of the attempt leaves a trace."""

    WRITES: tuple[Callable[[Peer, Claim], Coroutine[Any, Any, None]], ...] = (
        lambda peer, claim: peer.store.save_outline(claim, OUTLINE, [call()]),
        lambda peer, claim: peer.store.save_lesson(claim, lesson(1), [call()]),
        lambda peer, claim: peer.store.finish(claim, None, None),
        lambda peer, claim: peer.store.fail(claim, ErrorCode.INTERNAL, "late", "why", [call()]),
        lambda peer, claim: peer.store.release(claim, "late", [call()]),
    )
    THEFTS: tuple[str, ...] = (
        "UPDATE courses SET status = 'FAILED'",
        "UPDATE courses SET status = 'QUEUED'",
        "UPDATE generation_queue SET lease_id = gen_random_uuid(), lease_owner = gen_random_uuid()",
        "DELETE FROM courses",
    )

    @pytest.mark.parametrize("write", WRITES)
    @pytest.mark.parametrize("theft", THEFTS)
    def test_a_write_after_the_lease_is_gone_is_refused_whole(
        self, psql: Psql, peer: MakePeer, queue_course: QueueCourse, write: Callable[..., Any], theft: str
    ) -> None:
        queue_course()
        worker = peer()
        claim = worker.claim_one()
        psql.run(theft)
        tables = ("courses", "generation_queue", "lessons", "lesson_bodies", "lesson_checks", "model_calls", "outbox")
        before = {table: psql.rows(f"SELECT * FROM {table}") for table in tables}
        with pytest.raises(LeaseLost):
            do(write(worker, claim))
        assert {table: psql.rows(f"SELECT * FROM {table}") for table in tables} == before

    def test_the_new_owners_lesson_is_not_overwritten(
        self, psql: Psql, peer: MakePeer, queue_course: QueueCourse
    ) -> None:
        queue_course()
        zombie, heir = peer(), peer()
        old = zombie.claim_one()
        psql.run("UPDATE courses SET status = 'QUEUED'")
        new = heir.claim_one()
        do(heir.store.save_outline(new, OUTLINE, []))
        do(heir.store.save_lesson(new, lesson(1), []))
        before = psql.row("SELECT * FROM v_lessons_full")
        with pytest.raises(LeaseLost):
            do(zombie.store.save_lesson(old, lesson(1), []))
        assert psql.row("SELECT * FROM v_lessons_full") == before

    def test_it_waits_for_an_operator_who_is_cancelling_and_then_refuses(
        self, database: Database, peer: MakePeer, queue_course: QueueCourse
    ) -> None:
        course_id = queue_course()
        worker = peer()
        claim = worker.claim_one()
        errors: list[BaseException] = []

        def save() -> None:
            try:
                do(worker.store.save_outline(claim, OUTLINE, []))
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=save)
        with database._engine.begin() as operator:
            operator.execute(text("UPDATE public.courses SET status = 'FAILED' WHERE id = :id"), {"id": course_id})
            thread.start()
        thread.join()
        assert [type(error) for error in errors] == [LeaseLost]


class TestSaving:
    def test_an_outline_gives_the_course_its_title(self, psql: Psql, peer: MakePeer, queue_course: QueueCourse) -> None:
        queue_course()
        worker = peer()
        do(worker.store.save_outline(worker.claim_one(), OUTLINE, [call(purpose="outline", lesson_number=None)]))
        course = psql.row("SELECT title, slug, outline_json FROM courses")
        assert (course["title"], course["slug"]) == ("About Cells", "about-cells")
        assert Outline.model_validate(course["outline_json"]) == OUTLINE
        assert psql.value("SELECT purpose FROM model_calls") == "outline"

    def test_a_lesson_is_kept_with_body_checks_and_calls(
        self, psql: Psql, peer: MakePeer, queue_course: QueueCourse
    ) -> None:
        queue_course()
        worker = peer()
        do(worker.store.save_lesson(worker.claim_one(), lesson(1), [call(), call(outcome="wrong: x")]))
        row = psql.row("SELECT * FROM v_lessons_full")
        assert (row["lesson_number"], row["title"], row["sources"]) == (1, "The Cell", ["b.md", "a.md"])
        assert row["content_md"].startswith("# Lesson 1: The Cell\n")
        assert row["content_json"] == content_json(stored_lesson(lesson(1)))
        checks = psql.rows("SELECT q_order, question, answer FROM lesson_checks ORDER BY q_order")
        assert checks[0] == {"q_order": 1, "question": "What is a cell?", "answer": "A unit of life"}
        assert len(checks) == 3
        assert psql.value("SELECT count(*) FROM model_calls") == 2

    def test_a_unit_of_work_that_runs_again_after_a_lost_confirmation_does_no_harm(
        self, psql: Psql, peer: MakePeer, queue_course: QueueCourse
    ) -> None:
        queue_course()
        worker = peer()
        claim, made = worker.claim_one(), call()
        for _ in range(2):
            do(worker.store.save_lesson(claim, lesson(1), [made]))
        for table, number in (("lessons", 1), ("lesson_bodies", 1), ("lesson_checks", 3), ("model_calls", 1)):
            assert psql.value(f"SELECT count(*) FROM {table}") == number

    def test_the_next_attempt_knows_what_is_saved(self, psql: Psql, peer: MakePeer, queue_course: QueueCourse) -> None:
        queue_course()
        worker = peer()
        claim = worker.claim_one()
        do(worker.store.save_outline(claim, OUTLINE, []))
        do(worker.store.save_lesson(claim, lesson(2), []))
        do(worker.store.release(claim, "test", []))
        again = worker.claim_one()
        assert (again.attempt, again.saved_lessons) == (2, frozenset({2}))
        assert Outline.model_validate(again.outline) == OUTLINE
        assert again.lease_id != claim.lease_id


class TestFinish:
    def test_ready_and_its_result_are_one(self, psql: Psql, peer: MakePeer, queue_course: QueueCourse) -> None:
        queue_course()
        worker = peer()
        claim = worker.claim_one()
        calls = [call(purpose="outline"), call(), call(repair=True)]
        do(worker.store.save_outline(claim, OUTLINE, calls[:1]))
        for number in (1, 2):
            do(worker.store.save_lesson(claim, lesson(number), calls[number : number + 1]))
        do(worker.store.finish(claim, "courses/x", "courses/x-long"))
        course = psql.row("SELECT * FROM courses")
        assert (course["status"], course["output_path"], course["total_lessons"]) == ("READY", "courses/x", 2)
        assert course["sources"] == ["b.md", "a.md"]
        lessons = [lesson(1), lesson(2)]
        figures = course_figures([it.quality for it in lessons], [it.sources for it in lessons], [], calls)
        assert (figures.tokens, figures.repair_tokens) == (45, 15)
        assert course["quality"] == figures.model_dump()
        assert course["usage"] == {
            "calls": 3,
            "input_tokens": 30,
            "cached_tokens": 12,
            "output_tokens": 15,
            "cost": 1.5,
        }
        assert psql.value("SELECT count(*) FROM generation_queue") == 0
        assert [row["type"] for row in psql.rows("SELECT type FROM outbox ORDER BY id")] == [
            "course.processing",
            "course.success",
        ]

    def test_what_some_calls_cost_is_not_told_as_the_cost_of_all(
        self, psql: Psql, peer: MakePeer, queue_course: QueueCourse
    ) -> None:
        queue_course()
        worker = peer()
        claim = worker.claim_one()
        do(worker.store.save_outline(claim, OUTLINE, [call(purpose="outline"), call(cost=None)]))
        usage = psql.value("SELECT course_usage(id) FROM courses")
        assert (usage["calls"], usage["cost"]) == (2, None)
        failed = call(cost=None, input_tokens=0, output_tokens=0)
        psql.run("UPDATE model_calls SET input_tokens = 0, output_tokens = 0 WHERE cost IS NULL")
        assert psql.value("SELECT course_usage(id) FROM courses")["cost"] == 0.5
        assert files_usage([call(), failed])["cost"] == 0.5
        assert files_usage([call(), call(cost=None)])["cost"] is None

    def test_not_without_every_lesson(self, psql: Psql, peer: MakePeer, queue_course: QueueCourse) -> None:
        queue_course()
        worker = peer()
        claim = worker.claim_one()
        do(worker.store.save_outline(claim, OUTLINE, []))
        do(worker.store.save_lesson(claim, lesson(1), []))
        with pytest.raises(RuntimeError, match="not all of its lessons"):
            do(worker.store.finish(claim, None, None))
        assert psql.value("SELECT status FROM courses") == "GENERATING"

    def test_two_courses_never_share_a_folder(self, psql: Psql, peer: MakePeer, queue_course: QueueCourse) -> None:
        queue_course(), queue_course()
        worker = peer()
        for long_path in ("courses/x-long1", "courses/x-long2"):
            do(worker.store.finish(finished_course(worker), "courses/x", long_path))
        paths = psql.rows("SELECT output_path FROM courses ORDER BY 1")
        assert [row["output_path"] for row in paths] == ["courses/x", "courses/x-long2"]


class TestRelease:
    @pytest.mark.parametrize(("refund", "attempt"), [(True, 0), (False, 1)])
    def test_it_may_give_the_attempt_back(
        self, psql: Psql, peer: MakePeer, queue_course: QueueCourse, refund: bool, attempt: int
    ) -> None:
        queue_course()
        worker = peer()
        do(worker.store.release(worker.claim_one(), "why", [call()], refund=refund))
        assert psql.row("SELECT attempt, lease_id FROM generation_queue") == {"attempt": attempt, "lease_id": None}
        assert psql.row("SELECT status, attempts FROM courses") == {"status": "QUEUED", "attempts": attempt}
        assert psql.value("SELECT reason FROM course_events ORDER BY id DESC LIMIT 1") == "why"
        assert psql.value("SELECT count(*) FROM model_calls") == 1

    def test_it_may_put_the_course_off(self, psql: Psql, peer: MakePeer, queue_course: QueueCourse) -> None:
        queue_course()
        worker = peer()
        do(worker.store.release(worker.claim_one(), "busy", [], delay=60, refund=True, postponed=True))
        assert worker.claim() == []
        psql.run("UPDATE generation_queue SET run_after = run_after - interval '61 s'")
        psql.run("UPDATE generation_queue SET postponed_since = postponed_since - interval '61 s'")
        again = worker.claim_one()
        assert again.postponements == 1
        assert 61 <= again.postponed_for < 600
        do(worker.store.release(again, "busy", [], refund=True, postponed=True))
        assert 61 <= worker.claim_one().postponed_for < 600

    def test_the_time_in_the_queue_is_no_postponement(
        self, psql: Psql, peer: MakePeer, queue_course: QueueCourse
    ) -> None:
        queue_course()
        psql.run("UPDATE generation_queue SET queued_at = now() - interval '2 days'")
        assert peer().claim_one().postponed_for == 0

    def test_a_course_that_an_operator_holds_keeps_one_database_thread_and_no_other_course(
        self, database_settings: DatabaseSettings, psql: Psql, queue_course: QueueCourse
    ) -> None:
        small = Database(database_settings.model_copy(update={"pool_size": 2}))
        worker = Peer(small)
        queue_course()
        claim = worker.claim_one()
        queue_course()
        operator = small._engine.connect()
        operator.execute(text(f"SELECT FROM public.courses WHERE id = '{claim.course_id}' FOR UPDATE"))

        async def work() -> None:
            saves = [asyncio.create_task(worker.store.save_lesson(claim, lesson(n), [])) for n in (1, 2)]
            await asyncio.sleep(0)  # they have begun, and are ahead of the claim
            with structlog.testing.capture_logs() as logs:
                assert len(await worker.store.claim(worker.registry.membership, [claim.lease_id], 10, 3, 30)) == 1
            assert logs == []  # nothing had to time out first
            operator.rollback()
            await asyncio.gather(*saves)

        asyncio.run(work())
        operator.close()
        small.dispose()
