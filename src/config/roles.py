"""What a worker process can do besides, or instead of, writing courses."""

COURSES = "courses"
"""The role that takes requests and writes courses."""

SLICES: dict[str, str] = {}
"""Each slice by its name, which is also its role and its command, with the module that offers it as `SLICE`.

A slice is imported only if `ROLES` or the command line names it, and may be missing.
"""
