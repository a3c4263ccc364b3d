"""`python app.py reconcile`: brings courses that were written with files only into the database."""

from src.config import Settings
from src.operations.terminal import say
from src.services.database.connection import Database
from src.services.database.course_import import Import
from src.services.files.importer import FilesImport
from src.services.files.store import FilesStore

_SAID = {
    Import.DONE: "imported",
    Import.KNOWN: "in the database already, which keeps its own",
    Import.BUSY: "being written: come back later",
    Import.ABSENT: "imported by somebody else just now",
}


async def reconcile(settings: Settings) -> int:
    """Imports every course that can be imported, and prints what became of each. Returns the exit code.

    Raises `DBAPIError` if the database is away.
    """
    database = Database(settings.database)
    files = FilesStore(settings.output_dir)
    importer = FilesImport(database, files)
    waiting, failed = await files.waiting(), False
    try:
        await files.check()
        for course_id in waiting:
            try:
                said = _SAID[await importer.run(course_id)]
            except (OSError, ValueError) as error:
                said, failed = f"can't be read: {error}", True
            say(f"{course_id}  {said}")
    except OSError as error:
        say(f"Nothing can be imported: {error.filename}: {error.strerror}", err=True)
        return 1
    finally:
        database.dispose()
    if not waiting:
        say(f"Nothing to import: no course in {settings.output_dir / '.files-only'}")
    return 1 if failed else 0
