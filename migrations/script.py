"""Runs a revision's SQL file."""

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent / "sql"


def run(file_name: str) -> None:
    """Executes a whole SQL file in the transaction of the migration."""
    text = (SQL / file_name).read_text(encoding="utf-8")
    # Without parameters, '%' and ':name' in the text are no placeholders.
    op.get_bind().exec_driver_sql(text, execution_options={"no_parameters": True})
