"""The course generation worker. `worker.py` puts its parts together, and `app.py` is the command line."""

__version__ = "1.0.0"
