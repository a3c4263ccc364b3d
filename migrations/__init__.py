"""Alembic revisions, and the current functions.

Each revision runs the SQL file of its number in `sql/`: tables and data. Functions and triggers are in `functions/`;
the README there says how one is changed. `schema.sql` is made of both.
"""
