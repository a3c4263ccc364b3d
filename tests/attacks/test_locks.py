"""Locks that anybody may take, held while others want their courses."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import pytest

from src.config import DatabaseSettings
from src.devtools.local_postgres import LocalPostgres
from src.services.database.connection import Database
from src.services.database.set_aside import LockHolder, RequestsSetAside
from tests.attacks.locks import holding
from tests.attacks.roles import Role, role
from tests.conftest import Workers
from tests.sql import Psql
from tests.stand_in import StandIn
from tests.upstream import REQUESTS, Upstream
from tests.waiting import eventually

pytestmark = pytest.mark.attack

# More than are taken ahead, RABBITMQ_PREFETCH.
MANY = 120
# As the recipe of roles gives them to a requester.
MAY_QUEUE = (
    "USAGE ON SCHEMA public",
    "SELECT, INSERT (user_id, topic, title, grade_level, total_lessons, request_id),"
    " UPDATE (status, error_message) ON courses",
)


@pytest.fixture
def requester(postgres: LocalPostgres, database_settings: DatabaseSettings) -> Iterator[Role]:
    with role(postgres, database_settings, *MAY_QUEUE) as made:
        yield made


def accepted(psql: Psql, user_id: str) -> int:
    return int(psql.value(f"SELECT count(*) FROM courses WHERE user_id = '{user_id}'"))


def set_aside(psql: Psql) -> int:
    return int(psql.value("SELECT count(*) FROM requests_set_aside"))


def test_an_advisory_lock_that_stands_for_a_user_stops_nobody(
    workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, requester: Role, user_id: str
) -> None:
    stand_in.fault("hold")
    workers.start()
    other = str(uuid4())
    with holding(requester.settings, f"SELECT pg_advisory_lock(hashtextextended('{user_id}', 0))"):
        for number in range(MANY):
            upstream.request(user_id, request_id=f"r-{number}")
        for _ in range(3):
            upstream.request(other)
        eventually(lambda: accepted(psql, other) == 3, "the other's requests are accepted")
        eventually(lambda: accepted(psql, user_id) == MANY, "and so are the user's own")
    assert set_aside(psql) == 0
    stand_in.release()


def test_a_user_whose_rows_are_locked_keeps_no_other_waiting_and_loses_nothing(
    workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, requester: Role, user_id: str
) -> None:
    stand_in.fault("hold")
    worker = workers.start()
    for number in range(MANY):
        upstream.request(user_id, request_id=f"r-{number}")
    eventually(lambda: accepted(psql, user_id) == MANY, "the user's requests are accepted")
    other = str(uuid4())
    with holding(requester.settings, f"SELECT id FROM courses WHERE user_id = '{user_id}' FOR UPDATE"):
        for number in range(MANY):
            upstream.request(user_id, request_id=f"r-{number}")
        for _ in range(3):
            upstream.request(other)
        eventually(lambda: accepted(psql, other) == 3, "the other's requests are accepted")
        upstream.eventually_empty(REQUESTS)
        eventually(lambda: set_aside(psql) == MANY, "the user's requests are kept, and hold no message")
        alarm = worker.wait_for("intake_locked", user_id=user_id)
        assert any(holder.endswith(f" of {requester.name}") for holder in alarm["holders"]), alarm
    psql.run("UPDATE requests_set_aside SET run_after = now()")
    eventually(lambda: set_aside(psql) == 0, "they are taken in once the lock is gone")
    assert accepted(psql, user_id) == MANY
    stand_in.release()


def test_who_holds_the_lock_of_a_body_is_named(database: Database, requester: Role) -> None:
    hold = "SELECT pg_advisory_lock(hashtextextended('the digest of a body', 1))"
    with holding(requester.settings, hold) as connection:
        holders = asyncio.run(RequestsSetAside(database).holders())
        assert LockHolder(connection.info.backend_pid, requester.name) in holders


def test_an_insert_that_is_not_committed_keeps_only_its_own_request_waiting(
    workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, requester: Role, user_id: str
) -> None:
    stand_in.fault("hold")
    workers.start()
    other = str(uuid4())
    insert = (
        "INSERT INTO courses (user_id, topic, title, grade_level, total_lessons, request_id)"
        f" VALUES ('{user_id}', 'Cells', 'Cells', 'Grade 8', 1, 'r-0')"
    )
    with holding(requester.settings, insert):
        for number in range(MANY):
            upstream.request(user_id, request_id=f"r-{number}")
        for _ in range(3):
            upstream.request(other)
        eventually(lambda: accepted(psql, other) == 3, "the other's requests are accepted")
        upstream.eventually_empty(REQUESTS)
    eventually(
        lambda: psql.run("UPDATE requests_set_aside SET run_after = now()") == "" and accepted(psql, user_id) == MANY,
        "the user's are accepted once it is gone",
    )
    stand_in.release()


def test_under_a_lock_on_the_whole_table_nothing_is_lost_and_the_alarm_names_who_holds_it(
    workers: Workers,
    upstream: Upstream,
    psql: Psql,
    postgres: LocalPostgres,
    database_settings: DatabaseSettings,
) -> None:
    worker = workers.start()
    users = [str(uuid4()) for _ in range(3)]
    with role(postgres, database_settings, "USAGE ON SCHEMA public", "SELECT, UPDATE ON courses") as careless:
        with holding(careless.settings, "LOCK TABLE courses IN ACCESS EXCLUSIVE MODE") as connection:
            for user in users:
                upstream.request(user, num_lessons=1)
            alarm = worker.wait_for("intake_locked")
            assert alarm["holders"][0] == f"pid {connection.info.backend_pid} of {careless.name}"
            eventually(lambda: set_aside(psql) == len(users), "the requests are kept")
        psql.run("UPDATE requests_set_aside SET run_after = now()")
        results = [upstream.result().fields for _ in users]
    assert {result["user_id"] for result in results if result["status"] == "success"} == set(users)


def test_a_lock_on_a_body_delays_its_message_and_doesn_t_stop_it(
    workers: Workers, upstream: Upstream, psql: Psql, requester: Role, user_id: str
) -> None:
    import hashlib
    import json

    body = json.dumps({"user_id": user_id, "topic": "Cells", "num_lessons": 1}).encode()
    workers.start()
    digest = hashlib.sha256(body).hexdigest()
    with holding(requester.settings, f"SELECT pg_advisory_lock(hashtextextended('{digest}', 1))"):
        upstream.publish(body)
        assert upstream.result().fields["status"] == "success"


def test_locks_on_as_many_courses_as_there_are_slots_keep_no_others_waiting(
    workers: Workers, upstream: Upstream, psql: Psql, stand_in: StandIn, requester: Role, user_id: str
) -> None:
    stand_in.fault("hold", lesson=1, times=2)
    worker = workers.start(WORKER_SLOTS="2", DB_PATIENCE="1")
    for number in range(2):
        upstream.request(user_id, request_id=f"r-{number}", num_lessons=1)
    stand_in.wait_until_held(2)
    with holding(requester.settings, f"SELECT id FROM courses WHERE user_id = '{user_id}' FOR UPDATE"):
        stand_in.release()
        other = upstream.request(str(uuid4()), num_lessons=1)
        assert upstream.result().fields["request_id"] == other
    ended = {upstream.result().fields["request_id"] for _ in range(2)}
    assert ended == {"r-0", "r-1"}
    assert stand_in.stats()["calls"] == 3 * 2  # what waited was kept, and paid for once
    assert worker.stop() == 0
