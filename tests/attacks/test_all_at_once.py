"""All the harm that can be done at once. `benchmarks/under_attack.py` measures how long it keeps others waiting."""

import socket
from contextlib import ExitStack
from uuid import uuid4

import pytest

from src.config import DatabaseSettings
from src.devtools.local_service import HOST
from tests.attacks.locks import holding
from tests.chaos.traffic import POISON
from tests.conftest import Workers
from tests.health import Health
from tests.sql import Psql
from tests.stand_in import StandIn
from tests.upstream import Upstream
from tests.waiting import eventually

pytestmark = pytest.mark.attack


def test_a_good_users_courses_come_as_if_nobody_did_any_harm(
    workers: Workers,
    upstream: Upstream,
    psql: Psql,
    stand_in: StandIn,
    health: Health,
    database_settings: DatabaseSettings,
    user_id: str,
) -> None:
    stand_in.fault("hold", times=12)
    worker = workers.start(**health.settings, WORKER_SLOTS="12")
    for number in range(12):
        upstream.request(user_id, request_id=f"early-{number}", num_lessons=1)
    eventually(lambda: psql.value("SELECT count(*) FROM courses WHERE status = 'GENERATING'") == 12, "they are begun")
    port, good = int(health.settings["HEALTH_PORT"]), str(uuid4())
    with ExitStack() as harm:
        harm.enter_context(holding(database_settings, "SELECT id FROM courses ORDER BY id LIMIT 12 FOR UPDATE"))
        for _ in range(200):
            harm.enter_context(socket.create_connection((HOST, port)))
        for _ in range(300):
            upstream.publish(b"x", reply_to=POISON)
        for number in range(200):
            # Half of them are known, and their courses are locked.
            upstream.request(
                user_id, request_id=f"early-{number % 12}" if number % 2 else f"late-{number}", num_lessons=1
            )
        wanted = {upstream.request(good, num_lessons=1) for _ in range(20)}
        stand_in.release()
        done: set[str] = set()
        while wanted - done:
            result = upstream.result().fields
            if result["request_id"] in wanted:
                assert result["status"] == "success"
                done.add(result["request_id"])
        assert psql.value("SELECT count(*) FROM requests_set_aside") > 0  # it was an attack
        assert (
            psql.value("SELECT count(*) FROM courses WHERE status = 'GENERATING'") >= 12
        )  # the operator's are locked still
    psql.run("UPDATE requests_set_aside SET run_after = now()")
    eventually(
        lambda: psql.value(f"SELECT count(*) FROM courses WHERE user_id = '{user_id}' AND status = 'READY'") == 112,
        "the others' courses are made too, once they are let go",
    )
    assert worker.stop() == 0
