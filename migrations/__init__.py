"""Alembic revisions. Each one runs the SQL file of its number in `sql/`, which is also what `schema.sql` is made of."""
