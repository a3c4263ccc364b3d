"""Servers, roles and poolers as they are found: what is worked with, and what is told of the others in one line."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import Connection, text

from src.config import DatabaseSettings
from src.devtools.local_postgres import LocalPostgres
from src.operations.known_schema import needed_schema
from src.operations.migrations import MigrationError, faults_of, upgrade
from src.services.database.connection import LIMITS, SEARCH_PATH, Database
from src.services.database.schema_check import obstacle
from tests.conftest import private_postgres
from tests.pgbouncer import pooled
from tests.sql import Psql

_numbers = count(1)


@pytest.fixture
def behind_pgbouncer(database_settings: DatabaseSettings, tmp_path: Path) -> Iterator[DatabaseSettings]:
    with pooled(database_settings, tmp_path / "pgbouncer") as settings:
        yield settings


@contextmanager
def opened(settings: DatabaseSettings) -> Iterator[Database]:
    database = Database(settings)
    try:
        yield database
    finally:
        database.dispose()


def reason_of(database: Database) -> str | None:
    found = asyncio.run(obstacle(database, needed_schema()))
    return None if found is None else found.reason


def in_force(connection: Connection) -> dict[str, str]:
    return {
        name: str(connection.execute(text("SELECT current_setting(:name)"), {"name": name}).scalar_one())
        for name in (*SEARCH_PATH, *LIMITS)
    }


class TestPooler:
    def test_limits_and_search_path_are_in_force_and_stay_with_their_transaction(
        self, behind_pgbouncer: DatabaseSettings
    ) -> None:
        with opened(behind_pgbouncer) as database:
            assert database.run_blocking(in_force) == {**SEARCH_PATH, **LIMITS}
            assert reason_of(database) is None
            with psycopg2.connect(
                host=behind_pgbouncer.host,
                port=behind_pgbouncer.port,
                user=behind_pgbouncer.user,
                password=behind_pgbouncer.password,
                dbname=behind_pgbouncer.name,
            ) as another, another.cursor() as cursor:  # fmt: skip
                # The same session: PgBouncer opens a second one only if the first is in use.
                cursor.execute("SELECT current_setting('statement_timeout'), current_setting('search_path')")
                assert cursor.fetchone() == ("0", '"$user", public')
            another.close()
        assert faults_of(behind_pgbouncer) == []

    def test_options_of_the_environment_that_it_refuses_are_named(
        self, behind_pgbouncer: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PGOPTIONS", "-c geqo=off")
        (fault,) = faults_of(behind_pgbouncer)
        assert "unsupported startup parameter: options" in fault
        assert "unset PGOPTIONS" in fault

    def test_one_that_takes_no_transactions_says_why_in_its_log(
        self, database_settings: DatabaseSettings, tmp_path: Path
    ) -> None:
        with pooled(database_settings, tmp_path / "pgbouncer", mode="statement") as settings:
            (fault,) = faults_of(settings)
            assert "its log says why" in fault
            assert "transaction blocks not allowed" in (tmp_path / "pgbouncer" / "log").read_text()

    def test_what_is_set_and_not_in_force_is_an_obstacle(self, database: Database) -> None:
        """As with a pooler that takes transactions apart without saying so: each statement is one of its own."""
        database._engine = database._engine.execution_options(isolation_level="AUTOCOMMIT")
        reason = reason_of(database) or ""
        assert "statement_timeout is '0', not '30s'" in reason
        assert "search_path is" in reason
        assert "transaction mode or session mode" in reason


class TestRole:
    @pytest.mark.parametrize("path", ["''", "nowhere"])
    def test_a_search_path_without_public_is_no_obstacle(
        self, psql: Psql, database_settings: DatabaseSettings, path: str
    ) -> None:
        psql.run(f"ALTER DATABASE {database_settings.name} SET search_path = {path}")
        upgrade(database_settings)
        assert faults_of(database_settings) == []

    @pytest.mark.parametrize(
        ("whose", "command"),
        [
            ("ROLE {role}", "ALTER ROLE {role} RESET default_transaction_read_only"),
            ("DATABASE {name}", "ALTER DATABASE {name} RESET default_transaction_read_only"),
            (
                "ROLE {role} IN DATABASE {name}",
                "ALTER ROLE {role} IN DATABASE {name} RESET default_transaction_read_only",
            ),
        ],
    )
    def test_one_that_may_only_read_is_told_by_what_and_works_when_that_is_done(
        self, postgres: LocalPostgres, database_settings: DatabaseSettings, whose: str, command: str
    ) -> None:
        psql = Psql(postgres, postgres.settings("postgres"))
        role = f"reads_{next(_numbers)}"
        names = {"role": role, "name": database_settings.name}
        psql.run(f"CREATE ROLE {role} LOGIN SUPERUSER PASSWORD '{database_settings.password}'")
        psql.run(f"ALTER {whose.format(**names)} SET default_transaction_read_only = on")
        settings = database_settings.model_copy(update={"user": role})
        with opened(settings) as database:
            reason = reason_of(database) or ""
            assert command.format(**names) in reason
            with pytest.raises(MigrationError, match="read-only"):
                upgrade(settings)
            psql.run(command.format(**names))
            assert reason_of(database) is None

    def test_one_without_rights_is_not_sent_to_upgrade(self, psql: Psql, database_settings: DatabaseSettings) -> None:
        role = f"nobody_{next(_numbers)}"
        psql.run(f"CREATE ROLE {role} LOGIN PASSWORD '{database_settings.password}'")
        (fault,) = faults_of(database_settings.model_copy(update={"user": role}))
        assert '"Rights"' in fault
        assert "db upgrade" not in fault


class TestServer:
    @pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
    def test_another_encoding_is_told_by_every_command_alike(self, postgres: LocalPostgres, encoding: str) -> None:
        name = f"encoded_{next(_numbers)}"
        settings = postgres.settings(name)
        Psql(postgres, postgres.settings("postgres")).run(
            f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0"
        )
        (fault,) = faults_of(settings)
        assert f"the database {name} has the encoding {encoding}; courses need UTF8: CREATE DATABASE" in fault
        with pytest.raises(MigrationError, match=f"has the encoding {encoding}"):
            upgrade(settings)

    def test_an_encoding_of_the_environment_or_the_role_changes_nothing(
        self, database_settings: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
        with opened(database_settings) as database:
            topic = "प्रकाश संश्लेषण"
            length = database.run_blocking(
                lambda connection: connection.execute(text("SELECT length(:topic)"), {"topic": topic}).scalar_one()
            )
            assert length == len(topic)

    def test_a_standby_is_told(self) -> None:
        with private_postgres("learningdb") as server:
            server.stop("fast")
            (server.data / "standby.signal").touch()
            server.start()
            settings = server.settings("learningdb")
            assert faults_of(settings) == [
                "database: the server is a standby, which takes no writes: name the primary in DB_HOST"
            ]
            with pytest.raises(MigrationError, match="is a standby"):
                upgrade(settings)
