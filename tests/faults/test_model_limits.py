"""What a model that is busy, and a budget that is used up, do to courses. Real processes throughout."""

from tests.conftest import Workers
from tests.sql import Psql
from tests.stand_in import StandIn
from tests.upstream import STATUS, Upstream


def test_a_model_that_takes_few_calls_at_once_gets_few_and_no_course_suffers(
    workers: Workers, upstream: Upstream, psql: Psql, user_id: str
) -> None:
    """Fault 24: without a brake for all slots, each of them finds out by itself, again and again."""
    with StandIn(latency=0.1, capacity=4) as busy:
        worker = workers.start(OPENAI_BASE_URL=busy.base_url)
        for number in range(40):
            upstream.request(user_id, topic=f"Cells {number}", num_lessons=4)
        assert [result.fields["status"] for result in upstream.results(40)] == ["success"] * 40
        assert worker.stop() == 0
        stats = busy.stats()
    needed = 40 * 5
    assert stats["calls"] - stats["faulted"] == needed
    assert stats["faulted"] <= needed // 2  # measured: 17 with the brake, 327 without
    assert psql.rows("SELECT DISTINCT attempts FROM courses") == [{"attempts": 1}]
    assert psql.value("SELECT count(*) FROM course_events WHERE to_status = 'QUEUED' AND from_status IS NOT NULL") == 0


def test_a_wait_that_is_longer_than_the_lease_costs_no_lease(
    workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, user_id: str
) -> None:
    """Fault 24: the heart beats on, so that nobody takes a course from who waits as it was told."""
    stand_in.fault("429", retry_after="12", purpose="lesson")
    worker = workers.start()
    workers.start(OPENAI_BASE_URL="")  # without a model: it rescues and never claims
    upstream.request(user_id, num_lessons=1)
    assert upstream.result().fields["status"] == "success"
    assert worker.lines("model_braked")
    assert psql.value("SELECT attempts FROM courses") == 1
    assert stand_in.stats()["calls"] == 3


def test_a_wait_that_is_too_long_for_a_slot_stops_claims_and_puts_off_what_is_begun(
    workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, user_id: str
) -> None:
    """Fault 24: nobody calls on a server that wants to be left alone, however much is waiting."""
    stand_in.fault("429", retry_after="300", times=None)
    worker = workers.start(WORKER_SLOTS="2")
    for number in range(5):
        upstream.request(user_id, topic=f"Cells {number}", num_lessons=1)
    upstream.wait_until(lambda: worker.lines("course_released"), "a course is put off")
    upstream.wait_until(lambda: psql.value("SELECT count(*) FROM courses") == 5, "all are accepted")
    assert worker.stop() == 0
    assert 1 <= stand_in.stats()["calls"] <= 2
    assert 1 <= len(worker.lines("course_claimed")) <= 2
    assert psql.rows("SELECT status, attempts FROM courses") == [{"status": "QUEUED", "attempts": 0}] * 5


def test_a_course_that_has_used_up_its_budget_keeps_its_lessons_and_goes_on_with_a_higher_one(
    workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, user_id: str
) -> None:
    frugal = workers.start(MAX_COURSE_TOKENS="10000", OPENAI_MAX_OUTPUT_TOKENS="3000")
    upstream.request(user_id, num_lessons=8)
    failed = upstream.result().fields
    assert (failed["status"], failed["error_code"], failed["retryable"]) == ("error", "budget_exceeded", False)
    assert "over the budget of 10000 (MAX_COURSE_TOKENS)" in failed["message"]
    course = psql.row(
        "SELECT (usage ->> 'input_tokens')::int + (usage ->> 'output_tokens')::int AS tokens FROM courses"
    )
    assert course["tokens"] <= 10000
    saved, calls = psql.value("SELECT count(*) FROM lessons"), stand_in.stats()["calls"]
    assert 0 < saved < 8

    # A retry with the same budget fails at once, without a call.
    psql.run("UPDATE courses SET status = 'QUEUED'")
    assert upstream.result().fields["error_code"] == "budget_exceeded"
    assert stand_in.stats()["calls"] == calls
    assert frugal.stop() == 0

    workers.start(MAX_COURSE_TOKENS="100000", OPENAI_MAX_OUTPUT_TOKENS="3000")
    psql.run("UPDATE courses SET status = 'QUEUED'")
    assert upstream.result().fields["status"] == "success"
    assert psql.value("SELECT count(*) FROM lessons") == 8
    assert max(stand_in.calls.values()) == 1  # nothing was paid for twice
    assert upstream.waiting(STATUS) == []
