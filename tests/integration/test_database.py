"""Units of work: what is retried, what is not, and what is left of a failed one (fault 23)."""

import threading
from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from src.config import DatabaseSettings
from src.operations.known_schema import ROOT
from src.services.database import connection as connection_module
from src.services.database.connection import Database, is_away, is_transient
from src.services.database.statements import sql
from src.services.database.worker_registry import WorkerIdentity, WorkerRegistry
from tests.sql import Psql
from tests.waiting import PATIENCE


class Unit:
    """A unit of work that fails at first, and counts how often it ran."""

    def __init__(self, failures: int, statement: str) -> None:
        self.failures = failures
        self.statement = statement
        self.runs = 0

    def __call__(self, connection: Connection) -> int:
        self.runs += 1
        connection.execute(text("INSERT INTO public.workers VALUES (gen_random_uuid(), 'h', 1, 'v', 1, '1 s')"))
        if self.runs <= self.failures:
            connection.execute(text(self.statement))
        return self.runs


def raising(state: str) -> str:
    return f"DO $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = '{state}'; END $$"


@pytest.mark.parametrize(
    "state", ["40001", "40P01", "55P03", "57014", "57P01", "57P02", "57P03", "25006", "25P03", "53100", "08006"]
)
def test_a_transient_fault_repeats_the_whole_unit(database: Database, psql: Psql, state: str) -> None:
    unit = Unit(2, raising(state))
    assert database.run_blocking(unit) == 3
    assert psql.value("SELECT count(*) FROM workers") == 1


@pytest.mark.parametrize("state", ["23505", "23514", "22P02", "42P01", "42501"])
def test_another_fault_comes_out_at_once(database: Database, psql: Psql, state: str) -> None:
    unit = Unit(2, raising(state))
    with pytest.raises(DBAPIError):
        database.run_blocking(unit)
    assert unit.runs == 1
    assert psql.value("SELECT count(*) FROM workers") == 0


def test_patience_ends(database: Database) -> None:
    unit = Unit(1_000_000, raising("40001"))
    with pytest.raises(DBAPIError, match="on purpose"):
        database.run_blocking(unit, patience=2)
    assert unit.runs > 1


def test_a_connection_that_broke_in_the_middle_is_replaced(database: Database, psql: Psql) -> None:
    assert database.run_blocking(Unit(1, "SELECT pg_terminate_backend(pg_backend_pid())")) == 2
    assert psql.value("SELECT count(*) FROM workers") == 1


@pytest.mark.parametrize("name", ["statement", "commit"])
def test_an_answer_that_never_comes_breaks_the_connection_and_is_transient(
    database_settings: DatabaseSettings, psql: Psql, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """As with a pooler that lives while its server is gone. The server has only just begun to work on it."""
    monkeypatch.setattr(connection_module, "_SILENCE_SECONDS", 1.0)
    psql.run(
        "CREATE TABLE public.slow (); CREATE FUNCTION public.wait() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM pg_catalog.pg_sleep(25); RETURN NULL; END';"
        " CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON public.slow DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION public.wait()"
    )
    statement = {"statement": "SELECT pg_sleep(25)", "commit": "INSERT INTO public.slow DEFAULT VALUES"}[name]
    silent = Database(database_settings)
    with pytest.raises(OperationalError) as caught:
        silent.run_blocking(lambda connection: connection.execute(text(statement)), patience=0)
    assert is_transient(caught.value) and is_away(caught.value)
    assert silent.run_blocking(lambda connection: connection.execute(text("SELECT 1")).scalar_one()) == 1
    silent.dispose()


def test_no_server_is_transient(database_settings: DatabaseSettings) -> None:
    nowhere = Database(database_settings.model_copy(update={"port": 1}))
    with pytest.raises(OperationalError) as caught:
        nowhere.run_blocking(lambda connection: None, patience=0.1)
    assert is_transient(caught.value)
    nowhere.dispose()


def test_an_error_of_our_own_is_not(database: Database) -> None:
    def work(connection: Connection) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.run_blocking(work)


def test_an_exhausted_pool_is_a_transient_fault_after_a_bounded_wait(
    database_settings: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 22."""
    small = Database(database_settings.model_copy(update={"pool_size": 1, "max_overflow": 0}))
    small._engine.pool._timeout = 0.1  # type: ignore[attr-defined]
    taken, done = threading.Event(), threading.Event()

    def hold(connection: Connection) -> None:
        connection.execute(text("SELECT 1"))
        taken.set()
        assert done.wait(PATIENCE)

    holder = threading.Thread(target=small.run_blocking, args=(hold,))
    holder.start()
    assert taken.wait(PATIENCE)
    with pytest.raises(Exception) as caught:
        small.run_blocking(lambda connection: None, patience=0.1)
    assert is_transient(caught.value)
    # The heart beats all the same: it has a connection of its own.
    heart = Database(database_settings)
    identity = WorkerIdentity(uuid4(), "test", 10, 30.0)
    assert WorkerRegistry(small, heart, identity).beat(patience=5) == frozenset()
    heart.dispose()
    done.set()
    holder.join()
    small.dispose()


@pytest.fixture(params=sorted(path.stem for path in (ROOT / "src" / "services" / "database" / "sql").glob("*.sql")))
def statement(request: pytest.FixtureRequest) -> Iterator[str]:
    yield request.param


def test_every_named_statement_is_used(statement: str) -> None:
    sources = [path.read_text() for path in (ROOT / "src").rglob("*.py")] + [(ROOT / "app.py").read_text()]
    assert any(f'"{statement}"' in source for source in sources), f"{statement}.sql is not used"
    assert str(sql(statement))


def test_a_statement_that_is_wrong_is_no_reason_to_try_again(database: Database) -> None:
    with pytest.raises(ProgrammingError):
        database.run_blocking(lambda connection: connection.execute(text("SELECT * FROM nothing")))
