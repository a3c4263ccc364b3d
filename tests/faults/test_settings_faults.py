"""A backlog meets a model's server that refuses everything: two processes, whose 100 slots all find out at once."""

from uuid import uuid4

import pytest

from tests.conftest import Workers
from tests.sql import Psql
from tests.upstream import Upstream
from tests.waiting import eventually
from tests.zoo import BEHAVIOURS, Behaviour, Outcome, Zoo
from tests.zoo.behaviour import error

BACKLOG = 200
WELL = Behaviour("is well", "", Outcome("READY"))
SETTINGS_FAULTS = [behaviour for behaviour in BEHAVIOURS if behaviour.outcome.ends in ("STOPS", "WAITS")]


@pytest.mark.long
@pytest.mark.parametrize("behaviour", SETTINGS_FAULTS, ids=lambda behaviour: behaviour.name)
def test_a_backlog_survives_a_server_that(
    behaviour: Behaviour, workers: Workers, upstream: Upstream, psql: Psql
) -> None:
    def queued() -> int:
        return int(psql.value("SELECT count(*) FROM courses WHERE status = 'QUEUED' AND attempts = 0"))

    def all_have_ended() -> bool:
        # A trial that was under way may still fail, and begin the stop again.
        psql.run("UPDATE model_stops SET next_trial_at = now(); UPDATE generation_queue SET run_after = now()")
        return bool(psql.value("SELECT count(*) FROM courses WHERE status NOT IN ('READY', 'FAILED')") == 0)

    with Zoo(behaviour) as zoo:
        settings = {
            "OPENAI_BASE_URL": zoo.base_url,
            "WORKER_SLOTS": "50",
            "OPENAI_DEADLINE": "3",
            "OPENAI_TIMEOUT": "3",
        }
        both = [workers.start(**settings) for _ in range(2)]
        users = [str(uuid4()) for _ in range(10)]
        upstream.publish_many(
            {"user_id": users[n % 10], "request_id": f"r-{n}", "topic": f"Cells {n}", "num_lessons": 1}
            for n in range(BACKLOG)
        )
        for worker in both:
            line = worker.wait_for("claiming_stopped")
            assert behaviour.outcome.says in line["reason"]
            assert zoo.base_url in line["reason"]
        upstream.wait_until(lambda: queued() >= BACKLOG - 1, "all are queued again, but one that may be let through")
        on_record = behaviour.outcome.ends == "STOPS"  # an outage is what each process knows by itself
        assert psql.value("SELECT count(*) FROM model_stops") == int(on_record)
        assert psql.value("SELECT count(*) FROM courses WHERE status = 'FAILED'") == 0

        zoo.model.behaviour = WELL  # no process starts again
        upstream.wait_until(all_have_ended, "all have ended")
        eventually(lambda: all(worker.lines("claiming_resumed") for worker in both), "both have said so")
    assert psql.value("SELECT count(*) FROM courses WHERE status = 'READY'") >= BACKLOG - 5
    assert psql.value("SELECT count(*) FROM model_stops") == 0


@pytest.mark.long
def test_a_course_that_is_refused_alone_fails_and_stops_the_others_for_one_trial(
    workers: Workers, upstream: Upstream, psql: Psql
) -> None:
    alone = Behaviour(
        "refuses one topic",
        "own variation",
        Outcome("FAILED model_refused"),
        refuses=lambda asked: error(418, {"oops": 1}) if "Poison" in str(asked["messages"]) else None,
    )
    with Zoo(alone) as zoo:
        workers.start(OPENAI_BASE_URL=zoo.base_url, WORKER_SLOTS="4")
        poisoner = str(uuid4())
        upstream.request(poisoner, topic="Poison", num_lessons=1)
        for n in range(6):
            upstream.request(str(uuid4()), topic=f"Cells {n}", num_lessons=1)
        upstream.wait_until(
            lambda: psql.value("SELECT count(*) FROM courses WHERE status = 'READY'") == 6, "the others are READY"
        )
        psql.run("UPDATE generation_queue SET run_after = now()")
        upstream.wait_until(
            lambda: psql.value("SELECT count(*) FROM courses WHERE status = 'FAILED'") == 1, "the course has failed"
        )
    assert psql.value("SELECT error_code FROM courses WHERE status = 'FAILED'") == "model_refused"
    assert psql.value("SELECT count(*) FROM model_stops") == 0
