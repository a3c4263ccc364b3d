"""Workers that are started and stopped all the time (fault 58)."""

import asyncio
import random
import signal
import threading
from pathlib import Path

import pytest

from src.config import CourseSettings, DatabaseSettings, OpenAISettings, Settings, WorkerSettings
from src.devtools.local_rabbitmq import LocalRabbitMQ
from src.domain.redaction import Redactor
from src.worker import Worker
from tests.conftest import Workers
from tests.peers import no_twin
from tests.sql import Psql
from tests.stand_in import StandIn
from tests.upstream import REQUESTS, STATUS, Upstream
from tests.waiting import eventually
from tests.worker_process import WorkerProcess

SESSIONS = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name IN ('course-generator', 'heartbeat')"
)


def stopped(worker: WorkerProcess, number: signal.Signals) -> int:
    """Tells a worker to stop, and returns its exit code.

    Python itself may lose a SIGINT: while it starts, before any of the program runs, it may print the interrupt and go
    on as if nothing were. Who has pressed Ctrl-C sees that, and presses again.
    """
    worker.signal(number)
    eventually(lambda: worker.ended or ("KeyboardInterrupt" in str(worker) and worker.log), "it ends or goes on")
    if not worker.ended:
        worker.signal(number)
    return worker.wait()


@pytest.mark.long
def test_fifty_starts_and_stops_at_random_moments_hang_nowhere_and_leave_nothing_behind(
    workers: Workers, upstream: Upstream, psql: Psql, rabbitmq: LocalRabbitMQ, vhost: str, user_id: str
) -> None:
    dice, pause = random.Random(58), threading.Event()
    with StandIn(latency=0.3) as model:
        for number in range(50):
            for _ in range(2):
                upstream.request(user_id, topic=f"Cells {number}", num_lessons=2)
            worker = workers.launch(OPENAI_BASE_URL=model.base_url)
            pause.wait(dice.uniform(0, 3))  # not for anything: the moment is what is tried
            code = stopped(worker, dice.choice((signal.SIGTERM, signal.SIGINT)))
            # Before the program has set up its handlers a signal ends Python itself.
            too_early = code < 0 or "KeyboardInterrupt" in str(worker)
            assert code == 0 or (too_early and not worker.log), (code, str(worker))
            eventually(lambda: psql.value(SESSIONS) == 0, "its sessions have ended")
        last = workers.start(OPENAI_BASE_URL=model.base_url)
        assert [result.fields["status"] for result in upstream.results(100)] == ["success"] * 100
        assert last.stop() == 0
    assert psql.rows("SELECT status, count(*) FROM courses GROUP BY status") == [{"status": "READY", "count": 100}]
    assert psql.value("SELECT count(*) FROM lessons") == 200
    assert psql.value("SELECT max(attempts) FROM courses") == 1  # a stop costs no attempt
    assert psql.value("SELECT count(*) FROM workers") == 0
    assert (upstream.depth(REQUESTS), upstream.waiting(STATUS)) == (0, [])

    def connections() -> int:
        listed = rabbitmq.control("list_connections", "vhost", "--quiet", "--no-table-headers")
        return listed.splitlines().count(vhost)

    eventually(lambda: connections() == 1, "none is left but the test's own")


def test_a_worker_that_was_stopped_leaves_no_thread_and_no_connection_in_its_process(
    database_settings: DatabaseSettings,
    psql: Psql,
    rabbitmq: LocalRabbitMQ,
    vhost: str,
    stand_in: StandIn,
    upstream: Upstream,
    user_id: str,
    tmp_path: Path,
) -> None:
    settings = Settings(
        env_file=None,
        openai=OpenAISettings(base_url=stand_in.base_url, allow_remote=False),
        rabbitmq=rabbitmq.settings().model_copy(update={"vhost": vhost}),
        database=database_settings,
        worker=WorkerSettings(),
        course=CourseSettings(),
        output_dir=tmp_path / "courses",
    )

    async def serve() -> None:
        worker = Worker(settings, Redactor(), (), no_twin)
        await worker.start()
        upstream.request(user_id, num_lessons=1)
        result = await asyncio.to_thread(upstream.result)
        assert result.fields["status"] == "success"
        await worker.stop()

    before = set(threading.enumerate())
    for _ in range(3):
        asyncio.run(serve())
        assert set(threading.enumerate()) - before == set()
        eventually(lambda: psql.value(SESSIONS) == 0, "its sessions have ended")
