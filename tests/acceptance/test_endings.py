"""How a course ends that can't be written: what upstream is told, and what an operator finds."""

from src.config import DatabaseSettings
from src.operations.known_schema import ROOT
from tests.conftest import Workers
from tests.sources import add_sources
from tests.sql import Psql
from tests.stand_in import StandIn
from tests.upstream import Upstream
from tests.waiting import eventually

BRIEF_CALLS = {"OPENAI_TIMEOUT": "2", "OPENAI_DEADLINE": "2"}


def test_a_model_that_is_away_for_too_long_fails_the_course_and_a_retry_starts_the_wait_anew(
    workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, user_id: str
) -> None:
    def is_put_off() -> bool:
        return bool(psql.value("SELECT count(*) FROM generation_queue WHERE postponements > 0 AND lease_id IS NULL"))

    stand_in.fault("503", times=None)
    worker = workers.start(**BRIEF_CALLS)
    upstream.request(user_id, num_lessons=1)
    worker.wait_for("course_claimed")
    # Two days in the queue are no fault of the model, and so no reason to give up at its first one.
    psql.run("UPDATE generation_queue SET queued_at = queued_at - interval '2 days'")
    eventually(is_put_off, "it is put off")
    assert psql.row("SELECT status, attempts FROM courses") == {"status": "QUEUED", "attempts": 0}

    psql.run("UPDATE generation_queue SET postponed_since = postponed_since - interval '1 day', run_after = now()")
    failed = upstream.result().fields
    assert (failed["error_code"], failed["retryable"]) == ("model_unavailable", True)
    assert "the model" in failed["message"]

    psql.run("UPDATE courses SET status = 'QUEUED'")
    eventually(is_put_off, "it is put off again")
    stand_in.clear_faults()
    assert worker.stop() == 0
    workers.start()  # whose calls have the time that they need
    psql.run("UPDATE generation_queue SET run_after = now()")
    assert upstream.result().fields["status"] == "success"


AWAY = "the sources can't be searched"
# What a search meets that takes longer than a statement may.
TIMES_OUT = """
CREATE FUNCTION times_out() RETURNS TEXT LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION USING ERRCODE = 'query_canceled', MESSAGE = 'it takes too long'; END $$;
ALTER TABLE source_prefixes RENAME TO moved;
CREATE VIEW source_prefixes AS SELECT times_out() AS prefix, 0 AS passages;
"""


def test_a_library_that_can_not_be_searched_keeps_a_course_waiting_longer_each_time_and_then_fails_it(
    workers: Workers, upstream: Upstream, psql: Psql, database_settings: DatabaseSettings, user_id: str
) -> None:
    def is_put_off(times: int) -> bool:
        waits = f"postponements = {times} AND lease_id IS NULL AND run_after > now()"
        return bool(psql.value(f"SELECT count(*) FROM generation_queue WHERE {waits}"))

    add_sources(database_settings, ROOT / "samples")
    psql.run(TIMES_OUT)
    worker = workers.start(DB_PATIENCE="0.1")
    upstream.request(user_id, num_lessons=1)
    worker.wait_for("course_released")
    psql.run("UPDATE generation_queue SET run_after = now()")
    eventually(lambda: is_put_off(2), "it is put off again")
    assert [5 <= line["delay"] <= 10 for line in worker.lines("course_released")] == [False, True]
    assert psql.row("SELECT status, attempts FROM courses") == {"status": "QUEUED", "attempts": 0}
    reason = psql.value("SELECT reason FROM course_events ORDER BY id DESC LIMIT 1")
    assert reason == "the library of sources can't be searched: it takes too long"

    psql.run("UPDATE generation_queue SET postponed_since = postponed_since - interval '1 day', run_after = now()")
    failed = upstream.result().fields
    assert (failed["error_code"], failed["retryable"], failed["message"]) == ("internal", True, AWAY)
    # The words of the database are for operators.
    assert psql.value("SELECT reason FROM course_events ORDER BY id DESC LIMIT 1") == reason

    psql.run("DROP VIEW source_prefixes; ALTER TABLE moved RENAME TO source_prefixes")
    psql.run("UPDATE courses SET status = 'QUEUED'")
    assert upstream.result().fields["status"] == "success"


def test_a_lesson_that_is_cut_off_each_time_fails_its_course_with_the_reason_and_the_others_are_kept(
    workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, user_id: str
) -> None:
    """Fault 27."""
    stand_in.fault("cut_off", times=None, lesson=2)
    workers.start()
    upstream.request(user_id, num_lessons=3)
    failed = upstream.result().fields
    assert (failed["error_code"], failed["retryable"]) == ("model_output_invalid", True)
    assert failed["message"].startswith("the model's lesson 2 was cut off at its length limit after ")
    assert "also when it was asked for again: OPENAI_MAX_OUTPUT_TOKENS allows 16000" in failed["message"]
    assert psql.row("SELECT status, error_code, error_message FROM courses") == {
        "status": "FAILED",
        "error_code": "model_output_invalid",
        "error_message": failed["message"],
    }
    assert psql.rows("SELECT lesson_number FROM lessons ORDER BY 1") == [{"lesson_number": 1}, {"lesson_number": 3}]
    assert stand_in.calls["Cell Biology/lesson 2"] == 2


def test_a_course_that_takes_too_long_is_tried_again_and_then_fails_with_every_call_on_record(
    workers: Workers, upstream: Upstream, psql: Psql, user_id: str
) -> None:
    with StandIn(latency=0.5) as slow:
        for kind in ("overwrite", "timeout", "overwrite", "timeout"):  # each time the first lesson comes, and no other
            slow.fault(kind, purpose="lesson")
        # The deadline of a lesson is the shorter one and comes later all the same: no lesson begins with its course.
        worker = workers.start(
            COURSE_DEADLINE="8",
            COURSE_MAX_ATTEMPTS="2",
            OPENAI_TIMEOUT="7.9",
            OPENAI_DEADLINE="7.9",
            OPENAI_LESSON_DEADLINE="7.9",
            OPENAI_BASE_URL=slow.base_url,
            OPENAI_MAX_CONCURRENT="1",
        )
        upstream.request(user_id, num_lessons=4)
        assert worker.wait_for("course_released")["reason"] == "the course took longer than 8 s"
        assert psql.value("SELECT count(*) FROM lessons") == 1
        psql.run("UPDATE generation_queue SET run_after = now()")
        failed = upstream.result().fields
        assert (failed["error_code"], failed["message"]) == ("internal", "the course took longer than 8 s")
        assert psql.value("SELECT attempts FROM courses") == 2
        assert psql.value("SELECT count(*) FROM lessons") == 2  # the second try went on where the first ended
        assert psql.value("SELECT count(*) FROM model_calls") == slow.stats()["calls"] == 5


def test_a_fault_of_our_own_says_upstream_no_more_than_that_and_the_operator_what_it_was(
    workers: Workers, upstream: Upstream, psql: Psql, user_id: str
) -> None:
    psql.run("ALTER TABLE lessons RENAME COLUMN key_concepts TO concepts")
    workers.start(COURSE_MAX_ATTEMPTS="1")
    upstream.request(user_id, num_lessons=1)
    failed = upstream.result().fields
    assert failed["error_code"] == "internal"
    assert failed["message"] == "an unexpected error; the history of the course says which"
    reason = psql.value("SELECT reason FROM course_events WHERE to_status = 'FAILED'")
    assert reason.startswith("ProgrammingError: column")
    assert "key_concepts" in reason
    assert psql.value("SELECT count(*) FROM model_calls") == 2
