"""PostgreSQL as it is found: behind PgBouncer, and with roles and databases that are set up otherwise."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from src.config import DatabaseSettings
from src.devtools.local_postgres import LocalPostgres
from src.operations.known_schema import ROOT
from tests.acceptance.test_scripts import script
from tests.conftest import Workers
from tests.pgbouncer import pooled
from tests.sql import Psql
from tests.worker_process import WorkerProcess

_APP, _CHECK = str(ROOT / "app.py"), str(ROOT / "test_database.py")


class TestPgBouncer:
    @pytest.fixture
    def fresh(
        self, empty_database: DatabaseSettings, environment: dict[str, str], tmp_path: Path
    ) -> Iterator[dict[str, str]]:
        """The environment of programs that reach an empty database through PgBouncer."""
        with pooled(empty_database, tmp_path / "pgbouncer") as settings:
            yield {**environment, "DB_PORT": str(settings.port), "DB_NAME": settings.name}

    @pytest.mark.long
    def test_every_command_works_through_it(self, fresh: dict[str, str], tmp_path: Path) -> None:
        for arguments in (
            (_APP, "db", "upgrade"),
            (_APP, "db", "downgrade", "0005"),
            (_APP, "db", "upgrade"),
            (_APP, "db", "check"),
            (_CHECK,),
            (_APP, "sources", "add", str(ROOT / "samples")),
            (_APP, "sources", "search", "cells"),
            (_APP, "quality"),
            (_APP, "reconcile"),
        ):
            done = script(fresh, tmp_path, *arguments)
            assert done.returncode == 0, (arguments, done.stdout, done.stderr)

    def test_upgrades_at_once_take_turns(self, fresh: dict[str, str], tmp_path: Path) -> None:
        upgrades = [WorkerProcess(fresh, tmp_path, "db", "upgrade") for _ in range(3)]
        for each in upgrades:
            assert each.wait() == 0, str(each)
            each.end()
        assert script(fresh, tmp_path, _APP, "db", "check").returncode == 0


@pytest.fixture
def another(postgres: LocalPostgres, environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """The environment of programs that work as another superuser."""
    role = f"another_{uuid4().hex}"
    Psql(postgres, postgres.settings("postgres")).run(
        f"CREATE ROLE {role} LOGIN SUPERUSER PASSWORD '{postgres.password}'"
    )
    yield {**environment, "DB_USER": role}


@pytest.mark.parametrize("path", ["''", "nowhere"])
def test_a_role_whose_search_path_has_no_public_works_and_is_told_what_others_have_to_write(
    another: dict[str, str], psql: Psql, workers: Workers, tmp_path: Path, path: str
) -> None:
    psql.run(f"ALTER ROLE {another['DB_USER']} SET search_path = {path}")
    for arguments in (("upgrade",), ("check",)):
        done = script(another, tmp_path, _APP, "db", *arguments)
        assert done.returncode == 0, done.stderr
    done = script(another, tmp_path, _CHECK)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "have to write public.courses" in done.stdout
    assert workers.start(DB_USER=another["DB_USER"]).stop() == 0


def test_a_role_that_may_only_read_is_told_so_by_everything(
    another: dict[str, str], psql: Psql, workers: Workers, tmp_path: Path
) -> None:
    psql.run(f"ALTER ROLE {another['DB_USER']} SET default_transaction_read_only = on")
    _assert_told_by_everything(another, workers, tmp_path, "RESET default_transaction_read_only")


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_of_another_encoding_is_told_by_everything(
    environment: dict[str, str], psql: Psql, workers: Workers, tmp_path: Path, encoding: str
) -> None:
    name = f"encoded_{uuid4().hex}"
    psql.run(f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
    _assert_told_by_everything({**environment, "DB_NAME": name}, workers, tmp_path, f"has the encoding {encoding}")


def _assert_told_by_everything(environment: dict[str, str], workers: Workers, folder: Path, reason: str) -> None:
    for arguments in ((_APP, "db", "upgrade"), (_APP, "db", "check"), (_CHECK,)):
        done = script(environment, folder, *arguments)
        (line,) = (done.stdout + done.stderr).splitlines()
        assert done.returncode == 1
        assert reason in line
        assert "run `python app.py" not in line
    worker = workers.launch(**environment)
    assert reason in worker.wait_for("database_unavailable")["reason"]
    assert worker.stop() == 0
    assert worker.other_output == []
