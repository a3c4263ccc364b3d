"""What becomes of a course when its database restarts, and when its model hangs. Real processes throughout."""

import re
from contextlib import ExitStack
from pathlib import Path

import pytest

from src.devtools.local_postgres import LocalPostgres
from src.operations.known_schema import ROOT
from tests.conftest import Workers
from tests.pgbouncer import pooled
from tests.proxy import Proxy
from tests.sql import Psql
from tests.stand_in import StandIn
from tests.upstream import Upstream


def test_a_restart_between_the_claim_and_the_first_lesson_costs_no_attempt_and_no_call(
    workers: Workers, upstream: Upstream, own_postgres: LocalPostgres, stand_in: StandIn, user_id: str
) -> None:
    """Fault 19."""
    psql = Psql(own_postgres, own_postgres.settings("learningdb"))
    stand_in.fault("hold", purpose="lesson", times=None)
    worker = workers.start(**own_postgres.environment("learningdb"), WORKER_LEASE="60")
    upstream.request(user_id, num_lessons=2)
    stand_in.wait_until_held(2)
    # As in a crash, but without losing what was committed: fsync is off here.
    own_postgres.stop("fast")
    stand_in.release()
    worker.wait_for("database_away")
    own_postgres.start()
    assert upstream.result().fields["status"] == "success"
    assert psql.row("SELECT status, attempts FROM courses") == {"status": "READY", "attempts": 1}
    assert len(worker.lines("course_claimed")) == 1
    assert sum(stand_in.calls.values()) == 3


def test_an_accepted_course_waits_out_an_outage_longer_than_its_lease_and_no_saved_lesson_is_paid_again(
    workers: Workers, upstream: Upstream, own_postgres: LocalPostgres, stand_in: StandIn, user_id: str
) -> None:
    """Fault 21, in mid course. What was answered and could not be saved is asked for again."""
    psql = Psql(own_postgres, own_postgres.settings("learningdb"))
    stand_in.fault("hold", lesson=2)
    worker = workers.start(**own_postgres.environment("learningdb"), DB_PATIENCE="1")
    upstream.request(user_id, num_lessons=3)
    for number in (1, 3):
        worker.wait_for("lesson_saved", lesson=number)
    stand_in.wait_until_held()
    own_postgres.stop("fast")
    assert worker.wait_for("lease_unproven")["level"] == "error"
    worker.wait_for("lease_lost")
    own_postgres.start()
    assert upstream.result().fields["stored_in"] == "database"
    assert psql.row("SELECT status, attempts FROM courses") == {"status": "READY", "attempts": 1}
    assert stand_in.calls == {
        "Cell Biology/outline": 1,
        "Cell Biology/lesson 1": 1,
        "Cell Biology/lesson 2": 2,
        "Cell Biology/lesson 3": 1,
    }
    assert worker.lines("files_only_begun") == []


@pytest.mark.parametrize(("purpose", "calls"), [("outline", 1), ("lesson", 3)])
def test_while_the_model_hangs_no_transaction_is_open(
    workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, user_id: str, purpose: str, calls: int
) -> None:
    """Fault 56."""

    def open_transactions() -> int:
        return int(
            psql.value(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND application_name IN ('course-generator', 'heartbeat') AND state LIKE 'idle in transaction%'"
            )
        )

    stand_in.fault("hold", purpose=purpose, times=None)
    workers.start()
    upstream.request(user_id, num_lessons=3)
    stand_in.wait_until_held(calls)
    # A heartbeat may be seen between two of its statements; what waits for the model would be seen every time.
    assert min(open_transactions() for _ in range(10)) == 0


@pytest.mark.long
@pytest.mark.parametrize("configured", ["as installed", "as advised"])
@pytest.mark.parametrize("fault", ["stopped", "cut off"])
def test_behind_a_pooler_an_outage_is_noticed_and_ends_in_rows(
    workers: Workers,
    upstream: Upstream,
    own_postgres: LocalPostgres,
    user_id: str,
    tmp_path: Path,
    fault: str,
    configured: str,
) -> None:
    """With what DATABASE.md advises it is noticed sooner."""
    advised = re.search(r"```ini\n(.+?)```", (ROOT / "DATABASE.md").read_text(), re.DOTALL)
    assert advised is not None
    more = advised[1] if configured == "as advised" else ""
    direct = own_postgres.settings("learningdb")
    with ExitStack() as stack:
        line = stack.enter_context(Proxy(own_postgres.port))
        reached = direct if fault == "stopped" else direct.model_copy(update={"port": line.port})
        settings = stack.enter_context(pooled(reached, tmp_path / "pgbouncer", more=more))
        environment = {**own_postgres.environment("learningdb"), "DB_PORT": str(settings.port), "DB_PATIENCE": "1"}
        worker = workers.start(**environment)
        upstream.request(user_id, num_lessons=1)
        assert upstream.result().fields["stored_in"] == "database"
        own_postgres.stop("fast") if fault == "stopped" else line.cut()
        upstream.request(user_id, num_lessons=1)
        assert upstream.result().fields["stored_in"] == "files"
        own_postgres.start() if fault == "stopped" else line.heal()
        worker.wait_for("course_imported")
        assert Psql(own_postgres, direct).value("SELECT count(*) FROM courses") == 2
        assert worker.stop() == 0
