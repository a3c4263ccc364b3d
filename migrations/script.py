"""Runs a revision's SQL file."""

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent / "sql"


def run(file_name: str) -> None:
    """Executes a whole SQL file in the transaction of the migration."""
    text = (SQL / file_name).read_text(encoding="utf-8")
    # The driver's own cursor, without parameters: to SQLAlchemy ':name' and to psycopg2 '%' would be placeholders.
    cursor = op.get_bind().connection.cursor()
    cursor.execute(text)
    cursor.close()
