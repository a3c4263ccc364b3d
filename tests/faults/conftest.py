"""A database that a test may take away."""

from collections.abc import Iterator

import pytest

from src.devtools.local_postgres import LocalPostgres
from src.devtools.local_reaper import Reaper
from tests.conftest import private_postgres
from tests.sql import Psql


@pytest.fixture
def own_postgres(reaper: Reaper) -> Iterator[LocalPostgres]:
    """A server that a test may end."""
    with private_postgres("learningdb") as server:
        yield server


@pytest.fixture
def own_psql(own_postgres: LocalPostgres) -> Psql:
    return Psql(own_postgres, own_postgres.settings("learningdb"))


@pytest.fixture
def settings(own_postgres: LocalPostgres) -> dict[str, str]:
    """A worker of the server that a test may end, which doesn't wait long for it."""
    return {**own_postgres.environment("learningdb"), "DB_PATIENCE": "1"}
