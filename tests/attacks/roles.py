"""Roles of the database with few rights, which attack."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from src.config import DatabaseSettings
from src.devtools.local_postgres import LocalPostgres
from tests.sql import Psql


class Role:
    """A role that can log in, with what it was granted and nothing else."""

    def __init__(self, server: LocalPostgres, database: DatabaseSettings, owner: Psql, *grants: str) -> None:
        """`grants` are what stands before `TO role` in a GRANT."""
        self.name = f"attacker_{uuid4().hex}"
        self._owner = owner
        owner.run(f"CREATE ROLE {self.name} LOGIN PASSWORD 'its-own'")
        for grant in grants:
            owner.run(f"GRANT {grant} TO {self.name}")
        self.settings = database.model_copy(update={"user": self.name, "password": "its-own"})
        self.psql = Psql(server, self.settings)

    @property
    def is_superuser(self) -> bool:
        return bool(self._owner.value(f"SELECT rolsuper FROM pg_roles WHERE rolname = '{self.name}'"))

    @property
    def seize(self) -> str:
        """What it wants somebody with more rights to run."""
        return f"ALTER ROLE {self.name} SUPERUSER"

    def drop(self) -> None:
        self._owner.run(f"DROP OWNED BY {self.name} CASCADE; DROP ROLE {self.name}")


@contextmanager
def role(server: LocalPostgres, database: DatabaseSettings, *grants: str) -> Iterator[Role]:
    made = Role(server, database, Psql(server, database), *grants)
    yield made
    made.drop()
