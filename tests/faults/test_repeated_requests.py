"""The same request many times, to several processes at once (fault 30)."""

from tests.conftest import Workers
from tests.sql import Psql
from tests.stand_in import StandIn
from tests.upstream import STATUS, Upstream

COPIES = 50


def test_fifty_deliveries_to_three_processes_make_one_course(
    workers: Workers,
    upstream: Upstream,
    psql: Psql,
    stand_in: StandIn,
    user_id: str,
) -> None:
    stand_in.fault("hold", times=None, purpose="outline")  # the course stays open until every copy is taken in
    processes = [workers.start(RABBITMQ_PREFETCH="1") for _ in range(3)]
    upstream.wait_until(lambda: upstream.consumers() == 3, "all three have subscribed")
    for _ in range(COPIES):
        upstream.request(user_id, request_id="the-same", num_lessons=2)

    def received() -> int:
        return sum(
            len(worker.lines(action)) for worker in processes for action in ("request_accepted", "request_repeated")
        )

    upstream.wait_until(lambda: received() == COPIES, "every copy is taken in")
    stand_in.release()
    assert upstream.result().fields["status"] == "success"

    assert all(worker.lines("request_accepted") or worker.lines("request_repeated") for worker in processes)
    assert sum(len(worker.lines("request_accepted")) for worker in processes) == 1
    assert psql.value("SELECT count(*) FROM courses") == 1
    assert psql.value("SELECT count(*) FROM lessons") == 2
    assert stand_in.stats()["calls"] == 3
    assert [worker.stop() for worker in processes] == [0, 0, 0]
    assert upstream.waiting(STATUS) == []
    upstream.eventually_settled()


def test_copies_after_the_end_repeat_one_result_with_one_id(
    workers: Workers, upstream: Upstream, stand_in: StandIn, user_id: str
) -> None:
    """Fault 32."""
    workers.start()
    workers.start()
    upstream.request(user_id, request_id="the-same", num_lessons=1)
    first = upstream.result()
    calls = stand_in.stats()["calls"]
    for _ in range(5):
        upstream.request(user_id, request_id="the-same", num_lessons=1)
        repeat = upstream.result()
        assert (repeat.body, repeat.properties.message_id) == (first.body, first.properties.message_id)
    assert stand_in.stats()["calls"] == calls
