"""The course generation worker. `app.py` puts the parts together."""

__version__ = "1.0.0"
