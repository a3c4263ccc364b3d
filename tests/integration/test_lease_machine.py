"""Claims, beats, saves, expiries, rescues, ends and late writes of three workers, in any order (fault 53)."""

import asyncio
from collections.abc import Coroutine
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from src.devtools.local_postgres import LocalPostgres
from src.domain.course import Claim
from src.domain.errors import ErrorCode, LeaseLost
from src.services.database.connection import Database
from tests.conftest import new_database
from tests.integration.test_queue import OUTLINE, lesson
from tests.peers import LEASE, Peer

MAX_ATTEMPTS = 2
WORKERS = st.integers(0, 2)


class Leases(RuleBasedStateMachine):
    """Compares the database with what a lease promises. Time passes only when a rule moves it."""

    database: Database

    claims = Bundle("claims")
    """Of attempts that go on and of those that are over: any of them may write at any time."""

    def __init__(self) -> None:
        super().__init__()
        self._sql("DELETE FROM public.courses")
        self._sql("DELETE FROM public.workers")
        self.workers = [Peer(self.database) for _ in range(3)]
        self.saved: dict[UUID, dict[int, str]] = {}
        """Under which lease each lesson was saved."""
        self.ended: dict[UUID, str] = {}
        self.courses = 0

    @precondition(lambda self: self.courses < 2)  # so few that things happen to the same one
    @rule()
    def queue(self) -> None:
        self.courses += 1
        self._sql(
            "INSERT INTO public.courses (user_id, topic, title, grade_level, total_lessons)"
            " VALUES (gen_random_uuid(), 't', 't', 'g', 2)"
        )

    @rule(target=claims, worker=WORKERS)
    def claim(self, worker: int) -> Any:
        peer = self.workers[worker]
        held = tuple(self._column(f"SELECT lease_id FROM public.generation_queue WHERE lease_owner = '{peer.id}'"))
        found = peer.claim(limit=1, known=held, max_attempts=MAX_ATTEMPTS)
        for claim in found:
            assert claim.lease_id not in held
            assert claim.course_id not in self.ended
            assert set(claim.saved_lessons) == self.saved.get(claim.course_id, {}).keys()
        return multiple(*((worker, claim) for claim in found))

    @rule(target=claims, worker=WORKERS)
    def adopt(self, worker: int) -> Any:
        """It has forgotten what it works on: the courses that are its own come first, under new leases."""
        peer = self.workers[worker]
        peer.beat()
        held = set(self._column(f"SELECT lease_id FROM public.generation_queue WHERE lease_owner = '{peer.id}'"))
        found = peer.claim(limit=1, known=(), max_attempts=MAX_ATTEMPTS)
        for claim in found:
            assert claim.lease_id not in held
            assert set(claim.saved_lessons) == self.saved.get(claim.course_id, {}).keys()
        assert found or not held
        return multiple(*((worker, claim) for claim in found))

    @rule(held=claims, number=st.sampled_from([1, 2]))
    def save(self, held: tuple[int, Claim], number: int) -> None:
        worker, claim = held
        if number not in self.saved.get(claim.course_id, {}):

            async def write() -> None:
                await self.workers[worker].store.save_outline(claim, OUTLINE, [])
                await self.workers[worker].store.save_lesson(claim, lesson(number, str(claim.lease_id)), [])

            if self._written(claim, write()):
                self.saved.setdefault(claim.course_id, {})[number] = str(claim.lease_id)

    @rule(held=claims)
    def finish(self, held: tuple[int, Claim]) -> None:
        worker, claim = held
        if self.saved.get(claim.course_id, {}).keys() != {1, 2}:
            return
        if self._written(claim, self.workers[worker].store.finish(claim, None, None)):
            self.ended[claim.course_id] = "READY"

    @rule(held=claims)
    def fail(self, held: tuple[int, Claim]) -> None:
        worker, claim = held
        if self._written(claim, self.workers[worker].store.fail(claim, ErrorCode.INTERNAL, "no", "no", [])):
            self.ended[claim.course_id] = "FAILED"

    @rule(held=claims, refund=st.booleans())
    def release(self, held: tuple[int, Claim], refund: bool) -> None:
        worker, claim = held
        self._written(claim, self.workers[worker].store.release(claim, "why", [], refund=refund))

    @rule(worker=WORKERS)
    def beat(self, worker: int) -> None:
        self.workers[worker].beat()

    @rule(worker=WORKERS)
    def unseen_for_a_lease(self, worker: int) -> None:
        self._sql(
            f"UPDATE public.workers SET last_seen_at = now() - interval '{LEASE + 1} s'"
            f" WHERE id = '{self.workers[worker].id}'"
        )

    @rule(worker=WORKERS)
    def unbroken_for_a_lease(self, worker: int) -> None:
        self._sql(
            f"UPDATE public.workers SET unbroken_since = now() - interval '{LEASE + 1} s', last_seen_at = now()"
            f" WHERE id = '{self.workers[worker].id}'"
        )

    @rule(worker=WORKERS)
    def rescue(self, worker: int) -> None:
        dead = set(self._column("SELECT id FROM public.workers WHERE now() - last_seen_at >= lease"))
        for rescued in self.workers[worker].rescue(max_attempts=MAX_ATTEMPTS):
            assert rescued.worker is None or rescued.worker in dead
            assert rescued.course_id not in self.ended
            assert (rescued.status == "FAILED") == (rescued.attempt >= MAX_ATTEMPTS)
            if rescued.status == "FAILED":
                self.ended[rescued.course_id] = "FAILED"

    @rule(gone=WORKERS, heir=WORKERS)
    def one_dies_and_another_looks(self, gone: int, heir: int) -> None:
        self.unbroken_for_a_lease(heir)
        self.unseen_for_a_lease(gone)
        self.rescue(heir)

    @rule()
    def retry_by_an_operator(self) -> None:
        for course_id in [course_id for course_id, status in self.ended.items() if status == "FAILED"]:
            self._sql(f"UPDATE public.courses SET status = 'QUEUED' WHERE id = '{course_id}'")
            del self.ended[course_id]

    @precondition(lambda self: self.courses > len(self.ended))
    @rule(data=st.data())
    def cancel_by_an_operator(self, data: st.DataObject) -> None:
        open_courses = [
            course_id for course_id in self._column("SELECT id FROM public.courses") if course_id not in self.ended
        ]
        course_id = data.draw(st.sampled_from(sorted(open_courses)))
        self._sql(f"UPDATE public.courses SET status = 'FAILED' WHERE id = '{course_id}'")
        self.ended[course_id] = "FAILED"

    @invariant()
    def every_course_is_as_it_should_be(self) -> None:
        rows = self._rows(
            "SELECT c.id, c.status::text, q.lease_id, q.attempt, c.attempts, q.course_id IS NOT NULL AS queued,"
            " (SELECT coalesce(jsonb_object_agg(lesson_number, content_json ->> 'written_by'), '{}')"
            "  FROM public.v_lessons_full l WHERE l.course_id = c.id) AS lessons"
            " FROM public.courses c LEFT JOIN public.generation_queue q ON q.course_id = c.id"
        )
        for row in rows:
            # None vanishes, none comes by itself, none is written over.
            written = {int(number): lease for number, lease in row["lessons"].items()}
            assert written == self.saved.get(row["id"], {})
            if row["id"] in self.ended:
                assert (row["status"], row["queued"]) == (self.ended[row["id"]], False)
            else:
                assert row["status"] == ("QUEUED" if row["lease_id"] is None else "GENERATING")
                assert row["attempts"] == row["attempt"] <= MAX_ATTEMPTS

    def _written(self, claim: Claim, work: Coroutine[Any, Any, None]) -> bool:
        """Whether a write went through; it must, exactly if the lease is still this attempt's."""
        live = claim.lease_id in self._column("SELECT lease_id FROM public.generation_queue WHERE lease_id IS NOT NULL")
        try:
            asyncio.run(work)
        except LeaseLost:
            assert not live
            return False
        assert live
        return True

    def _sql(self, statement: str) -> None:
        self.database.run_blocking(lambda connection: connection.execute(text(statement)) and None)

    def _rows(self, query: str) -> list[dict[str, Any]]:
        return self.database.run_blocking(
            lambda connection: [dict(row) for row in connection.execute(text(query)).mappings()]
        )

    def _column(self, query: str) -> list[Any]:
        return [next(iter(row.values())) for row in self._rows(query)]


@pytest.fixture
def machine(postgres: LocalPostgres) -> type[Leases]:
    class Here(Leases):
        database = Database(new_database(postgres))

    return Here


def test_a_lease_once_lost_never_writes_and_nothing_saved_or_ended_changes_by_itself(machine: type[Leases]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=120,
            stateful_step_count=40,
            deadline=None,
            database=None,
            derandomize=True,  # the same plays each time: a red run means a change
            suppress_health_check=list(HealthCheck),
        ),
    )
    machine.database.dispose()
