"""Locks that somebody holds in the database."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import psycopg2.extensions

from src.config import DatabaseSettings


@contextmanager
def holding(settings: DatabaseSettings, statement: str) -> Iterator[psycopg2.extensions.connection]:
    """A transaction that has run `statement` and stays open until the block ends."""
    connection = psycopg2.connect(
        host=settings.host, port=settings.port, user=settings.user, password=settings.password, dbname=settings.name
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
        yield connection
    finally:
        connection.rollback()
        connection.close()
