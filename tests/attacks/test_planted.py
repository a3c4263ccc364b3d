"""Things under names of ours that a role made which may create things in `public`, before we made our own."""

import asyncio
from collections.abc import Iterator

import pytest

from src.config import DatabaseSettings
from src.devtools.local_postgres import LocalPostgres
from src.operations import migrations
from src.operations.known_schema import ROOT, head_revision, needed_schema
from src.operations.migrations import MigrationError, downgrade, faults_of, upgrade
from src.services.database.connection import Database
from src.services.database.library_store import LibraryStore
from src.services.database.schema_check import obstacle
from tests.attacks.locks import holding
from tests.attacks.roles import Role, role
from tests.sql import Psql, SQLError

pytestmark = pytest.mark.attack

# Each runs the attacker's function when it is read or written to, with the rights of whoever does.
PLANTED = {
    "relation public.alembic_version": "CREATE VIEW public.alembic_version AS SELECT public.evil() AS version_num",
    "relation public.workers": "CREATE TABLE public.workers (id uuid, host text DEFAULT public.evil())",
    "relation public.requests_set_aside": (
        "CREATE TABLE public.requests_set_aside (LIKE pg_catalog.pg_class);"
        " CREATE TRIGGER t AFTER INSERT ON public.requests_set_aside EXECUTE FUNCTION public.evil_trigger()"
    ),
    "type public.course_status": "CREATE DOMAIN public.course_status AS text CHECK (public.evil() = VALUE)",
    "function public.put_status()": "CREATE FUNCTION public.put_status() RETURNS text LANGUAGE sql AS 'SELECT evil()'",
}


@pytest.fixture
def planter(postgres: LocalPostgres, empty_database: DatabaseSettings) -> Iterator[Role]:
    """A role with a function that makes it a superuser, if somebody with more rights calls it."""
    with role(postgres, empty_database, "USAGE, CREATE ON SCHEMA public") as made:
        for name, returns, result in (("evil", "text", "'0001'"), ("evil_trigger", "trigger", "NULL")):
            made.psql.run(
                f"CREATE FUNCTION public.{name}() RETURNS {returns} LANGUAGE plpgsql AS"
                f" $$ BEGIN {made.seize}; RETURN {result}; END $$"
            )
        yield made


@pytest.mark.parametrize("name", PLANTED)
def test_an_upgrade_a_check_and_a_worker_refuse_it_and_run_none_of_it(
    empty_database: DatabaseSettings, psql_empty: Psql, planter: Role, name: str
) -> None:
    planter.psql.run(PLANTED[name] + "; GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC")
    found = f"{name} (of the role {planter.name})"
    with pytest.raises(MigrationError) as refused:
        upgrade(empty_database)
    assert found in str(refused.value)
    with pytest.raises(SQLError) as refused_too:
        psql_empty.file(str(ROOT / "schema.sql"))
    assert found in str(refused_too.value)
    (fault,) = faults_of(empty_database)
    assert found in fault
    database = Database(empty_database)
    in_the_way = asyncio.run(obstacle(database, needed_schema()))
    database.dispose()
    assert in_the_way is not None and found in in_the_way.reason
    assert not planter.is_superuser
    assert psql_empty.value("SELECT to_regclass('public.courses')") is None


def test_it_is_found_beside_a_schema_that_is_there(
    empty_database: DatabaseSettings, psql_empty: Psql, planter: Role
) -> None:
    upgrade(empty_database, "0011")
    planter.psql.run(PLANTED["relation public.requests_set_aside"])
    with pytest.raises(MigrationError, match=r"relation public\.requests_set_aside"):
        upgrade(empty_database)
    psql_empty.run("DROP TABLE requests_set_aside")
    upgrade(empty_database)


def test_a_worker_that_is_no_superuser_trusts_who_owns_the_courses(
    postgres: LocalPostgres, empty_database: DatabaseSettings, psql_empty: Psql
) -> None:
    with role(postgres, empty_database, "USAGE, CREATE ON SCHEMA public") as owner:
        upgrade(owner.settings)
        with role(postgres, empty_database, "ALL ON ALL TABLES IN SCHEMA public") as worker:
            database = Database(worker.settings)
            assert asyncio.run(obstacle(database, needed_schema())) is None
            psql_empty.run("ALTER TABLE outbox OWNER TO " + worker.name)
            assert asyncio.run(obstacle(database, needed_schema())) is None
            database.dispose()
        # Whoever may do everything needs more than that.
        (fault,) = faults_of(empty_database)
        assert f"(of the role {owner.name})" in fault and " more; drop them" in fault


def test_a_view_in_the_place_of_the_embeddings_is_not_read(
    empty_database: DatabaseSettings, psql_empty: Psql, planter: Role
) -> None:
    upgrade(empty_database)
    psql_empty.run("DROP TABLE IF EXISTS source_embeddings")  # as where the server has no pgvector
    planter.psql.run(
        "CREATE VIEW public.source_embeddings AS SELECT 1::bigint AS passage_id, public.evil() AS model;"
        " GRANT ALL ON public.source_embeddings TO PUBLIC"
    )
    database = Database(empty_database)
    store = LibraryStore(database)
    assert not asyncio.run(store.has_embeddings_table())
    assert not asyncio.run(store.has_embeddings("a model"))
    database.dispose()
    assert not planter.is_superuser


def test_the_way_back_to_functions_that_look_in_public_is_refused_while_a_shadow_is_there(
    empty_database: DatabaseSettings, psql_empty: Psql, planter: Role
) -> None:
    upgrade(empty_database)
    planter.psql.run("CREATE FUNCTION public.format(text, text) RETURNS text LANGUAGE sql AS 'SELECT public.evil()'")
    with pytest.raises(MigrationError, match=r"function public\.format\(text,text\)"):
        downgrade(empty_database, "0011")
    upgrade(empty_database)  # there is nothing to do, and nothing in the way of that
    assert psql_empty.value("SELECT version_num FROM alembic_version") == head_revision()


def test_an_upgrade_keeps_nobody_waiting_behind_a_reader_that_never_ends(
    empty_database: DatabaseSettings, psql_empty: Psql, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade(empty_database, "0011")
    monkeypatch.setattr(migrations, "_MOST_TRIES", 1)
    monkeypatch.setattr(migrations, "_GIVE_UP", "SET LOCAL lock_timeout = '50ms'")
    with holding(empty_database, "SELECT count(*) FROM courses"):
        with pytest.raises(MigrationError, match="idle in transaction"):
            upgrade(empty_database)
        with pytest.raises(SQLError, match="lock timeout"):
            psql_empty.run(migrations.render_schema())
        assert psql_empty.value("SELECT count(*) FROM courses") == 0
    upgrade(empty_database)
