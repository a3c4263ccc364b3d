"""The course generation worker: `worker.py` puts its parts together, `app.py` beside this folder is its command line."""

__version__ = "1.0.0"
