"""Workers without their database."""

from pathlib import Path

from src.devtools.local_postgres import LocalPostgres
from src.domain.course import Claim
from src.domain.request import IdentifiedRequest
from src.services.files.store import FilesStore
from tests.conftest import Workers
from tests.worker_process import WorkerProcess


def without_database(workers: Workers, settings: dict[str, str], postgres: LocalPostgres) -> WorkerProcess:
    """Stops the database, and returns a worker that has started without it."""
    postgres.stop("fast")
    worker = workers.launch(**settings)
    worker.wait_for("files_only")
    return worker


async def begun(files: FilesStore, request: IdentifiedRequest, body: bytes = b"{}") -> Claim:
    """Begins an attempt at a course that has no result yet and that nobody else has."""
    claim = await files.begin(request, body)
    assert isinstance(claim, Claim)
    return claim


def unimported(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "courses" / ".files-only").glob("*/request.json"))
