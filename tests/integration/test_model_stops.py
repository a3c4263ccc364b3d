"""A stop on record: who is let through, what lifts it, and what becomes of the course that began it."""

import asyncio
from collections.abc import Callable
from uuid import uuid4

import pytest

from src.domain.course import Claim, StopKind
from src.domain.errors import ErrorCode
from src.domain.model_call import ModelCall
from src.domain.outline import Outline
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


def refused(peer: Peer, claim: Claim, kind: StopKind = "unknown", reason: str = "the server's words") -> None:
    failed = [call("error: 418, unknown")]
    asyncio.run(peer.store.release(claim, reason, failed, refund=True, postponed=True, stop=kind))


def answered(peer: Peer, claim: Claim, outcome: str = "ok", purpose: str = "outline") -> None:
    asyncio.run(peer.store.save_outline(claim, OUTLINE, [call(outcome, purpose)]))


def stops(psql: Psql) -> list[tuple[str, str]]:
    return [(row["kind"], row["reason"]) for row in psql.rows("SELECT kind, reason FROM model_stops")]


@pytest.mark.parametrize("kind", ["setting", "unknown", "moment"])
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
    assert (trial.course_id, trial.is_trial) == (last.course_id, True)
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


@pytest.mark.parametrize(
    ("kind", "pauses"),
    [("setting", [2, 4, 8, 10]), ("unknown", [2, 4, 8, 10]), ("moment", [5 / 60, 10 / 60, 20 / 60, 40 / 60, 1])],
)
def test_each_time_later(
    worker: Peer, queue_course: Callable[..., str], psql: Psql, kind: StopKind, pauses: list[float]
) -> None:
    queue_course()
    refused(worker, worker.claim_one(), kind)
    found = []
    for _ in pauses:
        psql.run("UPDATE model_stops SET next_trial_at = now()")
        psql.run("UPDATE generation_queue SET run_after = now()")
        refused(worker, worker.claim_one(), kind)
        found.append(psql.value("SELECT extract(epoch FROM next_trial_at - now()) / 60 FROM model_stops"))
    assert [round(float(minutes), 1) for minutes in found] == [round(pause, 1) for pause in pauses]


@pytest.mark.parametrize(("kind", "seconds"), [("setting", 60), ("unknown", 0), ("moment", 0)])
def test_the_first_is_let_through_at_once_unless_an_operator_has_to_act(
    worker: Peer, queue_course: Callable[..., str], psql: Psql, kind: StopKind, seconds: int
) -> None:
    queue_course()
    refused(worker, worker.claim_one(), kind)
    pause = psql.value("SELECT extract(epoch FROM next_trial_at - since) FROM model_stops")
    assert float(pause) == seconds


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

    def test_to_an_outline_lifts_nothing_if_lessons_are_asked_of_another_model(
        self, peer: Callable[..., Peer], queue_course: Callable[..., str], psql: Psql
    ) -> None:
        worker = peer(server=ServerName("http://x/v1 planner and writer", by_lessons_alone=True))
        queue_course()
        refused(worker, worker.claim_one())
        trial = worker.claim_one()
        answered(worker, trial)
        assert len(stops(psql)) == 1
        answered(worker, trial, purpose="lesson")
        assert stops(psql) == []
