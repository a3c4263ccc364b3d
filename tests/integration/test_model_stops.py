"""A stop on record: who is let through, what lifts it, and what becomes of the course that began it."""

import asyncio
from collections.abc import Callable
from uuid import uuid4

import pytest
from sqlalchemy import Connection, text

from src.domain.course import Claim, StopKind
from src.domain.errors import ErrorCode
from src.domain.model_call import ModelCall
from src.domain.outline import Outline
from src.services.database.connection import Database
from src.services.database.model_stops import ServerName
from tests.lessons import PLAN
from tests.peers import Peer
from tests.sql import Psql

OUTLINE = Outline.model_validate({"title": "T", "description": "D", "lessons": [PLAN]})
SERVER = ServerName("http://x/v1 m")


@pytest.fixture
def worker(peer: Callable[..., Peer]) -> Peer:
    return peer(server=SERVER)


@pytest.fixture
def other(peer: Callable[..., Peer]) -> Peer:
    return peer(server=SERVER)


def call(outcome: str, purpose: str = "outline") -> ModelCall:
    return ModelCall(uuid4(), purpose, None, "m", 1, 0, 1, None, 0.1, outcome)  # type: ignore[arg-type]


def refused(
    peer: Peer, claim: Claim, kind: StopKind = "unknown", reason: str = "the server's words", purpose: str = "outline"
) -> None:
    failed = [call("error: 418, unknown", purpose)]
    asyncio.run(peer.store.release(claim, reason, failed, refund=True, postponed=True, stop=kind))


def answered(peer: Peer, claim: Claim, outcome: str = "ok", purpose: str = "outline") -> None:
    asyncio.run(peer.store.save_outline(claim, OUTLINE, [call(outcome, purpose)]))


def due(psql: Psql) -> None:
    """Moves every wait into the past."""
    psql.run("UPDATE model_stops SET next_trial_at = now(); UPDATE generation_queue SET run_after = now()")


def stops(psql: Psql) -> list[tuple[str, str]]:
    return [(row["kind"], row["reason"]) for row in psql.rows("SELECT kind, reason FROM model_stops")]


@pytest.mark.parametrize("kind", ["setting", "unknown"])
def test_no_worker_claims_and_all_know_why(
    worker: Peer, other: Peer, queue_course: Callable[..., str], psql: Psql, kind: StopKind
) -> None:
    for _ in range(5):
        queue_course()
    first, second = worker.claim(limit=2)
    refused(worker, first, kind)
    refused(worker, second, kind, "other words")
    psql.run("UPDATE model_stops SET next_trial_at = now() + interval '1 hour'")
    assert (worker.claim(), other.claim()) == ([], [])
    assert other.store.stop is not None
    assert (other.store.stop.kind, other.store.stop.reason) == (kind, "the server's words")
    assert stops(psql) == [(kind, "the server's words")]
    assert psql.value("SELECT count(*) FROM courses WHERE status = 'QUEUED' AND attempts = 0") == 5


def test_workers_of_another_server_go_on(
    worker: Peer, peer: Callable[..., Peer], queue_course: Callable[..., str]
) -> None:
    queue_course()
    queue_course()
    refused(worker, worker.claim_one(), "setting")
    assert len(peer(server=ServerName("http://y/v1 m")).claim()) == 2


def test_an_operator_who_deletes_the_row_has_claiming_go_on(
    worker: Peer, queue_course: Callable[..., str], psql: Psql
) -> None:
    queue_course()
    refused(worker, worker.claim_one(), "setting")
    assert worker.claim() == []
    psql.run("DELETE FROM model_stops")
    assert len(worker.claim()) == 1
    assert worker.store.stop is None


def test_the_course_that_is_let_through_is_another_users_that_has_met_nothing(
    worker: Peer, other: Peer, queue_course: Callable[..., str], psql: Psql
) -> None:
    user = uuid4()
    mine, met, own = queue_course(user), queue_course(), queue_course(user)
    queue_course(uuid4(), title="Another")
    claims = {str(claim.course_id): claim for claim in worker.claim(limit=4)}
    last = next(claim for course, claim in claims.items() if course not in (mine, met, own))
    refused(worker, claims[mine])
    refused(worker, claims[met])
    for claim in (claims[own], last):
        asyncio.run(worker.store.release(claim, "the worker stopped", [], refund=True))
    (trial,) = other.claim()
    assert trial.course_id == last.course_id
    assert trial.trial_since is not None
    assert worker.claim() == []  # one at a time


def test_of_its_user_alone_another_course_goes_before_itself(
    worker: Peer, queue_course: Callable[..., str], psql: Psql
) -> None:
    user = uuid4()
    queue_course(user)
    first = worker.claim_one()
    second = queue_course(user)
    refused(worker, first)
    assert str(worker.claim_one().course_id) == second


@pytest.mark.parametrize("kind", ["setting", "unknown"])
def test_each_time_later(worker: Peer, queue_course: Callable[..., str], psql: Psql, kind: StopKind) -> None:
    queue_course()
    refused(worker, worker.claim_one(), kind)
    found = []
    for _ in range(4):
        due(psql)
        refused(worker, worker.claim_one(), kind)
        found.append(psql.value("SELECT extract(epoch FROM next_trial_at - now()) / 60 FROM model_stops"))
        psql.run("UPDATE generation_queue SET refusal = NULL")
    assert [round(float(minutes)) for minutes in found] == [2, 4, 8, 10]


@pytest.mark.parametrize(("kind", "seconds"), [("setting", 60), ("unknown", 0)])
def test_the_first_is_let_through_at_once_unless_an_operator_has_to_act(
    worker: Peer, queue_course: Callable[..., str], psql: Psql, kind: StopKind, seconds: int
) -> None:
    queue_course()
    refused(worker, worker.claim_one(), kind)
    pause = psql.value("SELECT extract(epoch FROM next_trial_at - since) FROM model_stops")
    assert float(pause) == seconds


@pytest.mark.parametrize("kind", ["moment", "host"])
def test_what_only_one_process_meets_stops_no_other(
    worker: Peer, other: Peer, queue_course: Callable[..., str], psql: Psql, kind: StopKind
) -> None:
    queue_course()
    queue_course()
    refused(worker, worker.claim(limit=1)[0], kind)
    assert stops(psql) == []
    assert len(other.claim()) == 2


def test_none_is_let_through_while_another_is_being_written(
    worker: Peer, other: Peer, queue_course: Callable[..., str], psql: Psql
) -> None:
    for _ in range(3):
        queue_course()
    refused(worker, worker.claim(limit=1)[0])
    trial = other.claim_one()
    due(psql)
    assert worker.claim() == []
    psql.run("UPDATE generation_queue SET leased_at = now() - interval '11 minutes' WHERE lease_id IS NOT NULL")
    second = worker.claim_one()
    answered(other, trial)  # the first one, late
    assert stops(psql) == []
    assert second.course_id != trial.course_id


def test_a_course_that_somebody_has_locked_is_not_the_one(
    worker: Peer, queue_course: Callable[..., str], psql: Psql, database: Database
) -> None:
    queue_course()
    refused(worker, worker.claim_one())
    locked = queue_course()
    queue_course()

    def while_locked(connection: Connection) -> Claim:
        connection.execute(text("SELECT FROM public.courses WHERE id = :id FOR UPDATE"), {"id": locked})
        return worker.claim_one()

    assert str(database.run_blocking(while_locked).course_id) != locked


def test_a_worker_without_room_uses_no_trial_up(worker: Peer, queue_course: Callable[..., str], psql: Psql) -> None:
    queue_course()
    refused(worker, worker.claim_one())
    queue_course()
    assert worker.claim(limit=0) == []
    assert psql.value("SELECT trials FROM model_stops") == 0


def test_a_trial_that_finds_another_reason_says_so(worker: Peer, queue_course: Callable[..., str], psql: Psql) -> None:
    queue_course()
    refused(worker, worker.claim_one())
    refused(worker, worker.claim_one(), "setting", "check OPENAI_API_KEY", "lesson")
    assert stops(psql) == [("setting", "check OPENAI_API_KEY")]
    assert psql.value("SELECT purpose FROM model_stops") == "lesson"


def test_stops_that_nobody_looks_at_any_more_are_deleted(
    worker: Peer, queue_course: Callable[..., str], psql: Psql
) -> None:
    queue_course()
    refused(worker, worker.claim_one())
    asyncio.run(worker.registry.prune())
    assert len(stops(psql)) == 1
    psql.run("UPDATE model_stops SET next_trial_at = now() - interval '25 hours'")
    asyncio.run(worker.registry.prune())
    assert stops(psql) == []


class TestAnAnswer:
    def test_lifts_the_stop_and_all_others_go_on_but_the_first_is_watched(
        self, worker: Peer, other: Peer, queue_course: Callable[..., str], psql: Psql
    ) -> None:
        for _ in range(4):
            queue_course()
        first, second, *others = worker.claim(limit=4)
        refused(worker, first)
        refused(worker, second)
        for claim in others:
            asyncio.run(worker.store.release(claim, "the worker stopped", [], refund=True))
        trial = other.claim_one()
        answered(other, trial)
        assert stops(psql) == []
        claims = {claim.course_id: claim for claim in worker.claim()}
        assert len(claims) == 3
        assert [course for course, claim in claims.items() if claim.is_refused_alone] == [first.course_id]

    def test_of_the_first_course_itself_clears_it(self, worker: Peer, queue_course: Callable[..., str]) -> None:
        queue_course()
        refused(worker, worker.claim_one())
        trial = worker.claim_one()
        answered(worker, trial)
        asyncio.run(worker.store.release(trial, "the worker stopped", [], refund=True))
        assert not worker.claim_one().is_refused_alone

    @pytest.mark.parametrize("outcome", ["error: 503, moment", "error: TimeoutError"])
    def test_that_is_none_lifts_nothing(
        self, worker: Peer, queue_course: Callable[..., str], psql: Psql, outcome: str
    ) -> None:
        queue_course()
        refused(worker, worker.claim_one())
        refused(worker, worker.claim_one())
        assert len(stops(psql)) == 1

    def test_of_a_course_that_was_claimed_before_lifts_nothing(
        self, worker: Peer, queue_course: Callable[..., str], psql: Psql
    ) -> None:
        queue_course()
        queue_course()
        first, second = worker.claim(limit=2)
        refused(worker, first)
        answered(worker, second)
        assert len(stops(psql)) == 1

    def test_that_can_not_be_used_lifts_it_too(
        self, worker: Peer, queue_course: Callable[..., str], psql: Psql
    ) -> None:
        queue_course()
        refused(worker, worker.claim_one())
        trial = worker.claim_one()
        wrong = [call("wrong: not JSON")]
        asyncio.run(worker.store.fail(trial, ErrorCode.MODEL_OUTPUT_INVALID, "wrong", "wrong", wrong))
        assert stops(psql) == []

    def test_to_an_outline_lifts_nothing_if_a_lesson_was_refused(
        self, worker: Peer, queue_course: Callable[..., str], psql: Psql
    ) -> None:
        queue_course()
        refused(worker, worker.claim_one(), purpose="lesson")
        trial = worker.claim_one()
        answered(worker, trial)
        assert len(stops(psql)) == 1
        answered(worker, trial, purpose="lesson")
        assert stops(psql) == []

    @pytest.mark.parametrize("has_one_model", [True, False])
    def test_to_a_lesson_says_something_of_outlines_if_one_model_writes_both(
        self, peer: Callable[..., Peer], queue_course: Callable[..., str], psql: Psql, has_one_model: bool
    ) -> None:
        worker = peer(server=ServerName("http://x/v1", has_one_model=has_one_model))
        queue_course()
        refused(worker, worker.claim_one())
        answered(worker, worker.claim_one(), purpose="lesson")
        assert len(stops(psql)) == (0 if has_one_model else 1)

    def test_to_the_course_that_is_watched_clears_it(self, worker: Peer, queue_course: Callable[..., str]) -> None:
        queue_course()
        queue_course()
        first = worker.claim(limit=1)[0]
        refused(worker, first)
        trial = worker.claim_one()
        answered(worker, trial)
        watched = worker.claim_one()
        assert (watched.course_id, watched.is_refused_alone) == (first.course_id, True)
        answered(worker, watched, purpose="lesson")
        asyncio.run(worker.store.release(watched, "the worker stopped", [], refund=True))
        assert not worker.claim_one().is_refused_alone

    def test_waits_for_no_lock_that_somebody_holds_on_another_course(
        self, worker: Peer, queue_course: Callable[..., str], psql: Psql, database: Database
    ) -> None:
        queue_course()
        queue_course()
        first, second = worker.claim(limit=2)
        refused(worker, first)
        refused(worker, second)
        queue_course()
        trial = worker.claim_one()

        def while_locked(connection: Connection) -> None:
            locks = "SELECT FROM public.generation_queue WHERE refusal = 'open' FOR UPDATE"
            connection.execute(text(locks))
            answered(worker, trial)

        database.run_blocking(while_locked)
        assert stops(psql) == []
