"""Courses as files: the mirror, and courses that are written while the database is away."""
