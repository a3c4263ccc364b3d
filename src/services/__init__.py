"""Things that do: write courses, talk to model and broker, search sources, keep the database, mirror files."""

from src.services.database.database_service import DatabaseService

__all__ = ["DatabaseService"]
