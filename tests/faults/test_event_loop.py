"""One worker in this process, with and without its database, and who touches its files."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from src.config import CourseSettings, OpenAISettings, Settings, WorkerSettings
from src.devtools.local_postgres import LocalPostgres
from src.devtools.local_rabbitmq import LocalRabbitMQ
from src.domain.redaction import Redactor
from src.worker import Worker
from tests.event_loop import touched_by_the_event_loop
from tests.files_only import unimported
from tests.peers import no_twin
from tests.sql import Psql
from tests.stand_in import StandIn
from tests.upstream import Upstream
from tests.waiting import eventually


def test_no_file_of_a_course_is_touched_by_the_event_loop(
    own_postgres: LocalPostgres,
    own_psql: Psql,
    rabbitmq: LocalRabbitMQ,
    vhost: str,
    stand_in: StandIn,
    upstream: Upstream,
    user_id: str,
    tmp_path: Path,
) -> None:
    """A disk that takes its time would hold up every course, and then the heartbeat."""
    output_dir = tmp_path / "courses"
    settings = Settings(
        env_file=None,
        openai=OpenAISettings(base_url=stand_in.base_url, allow_remote=False),
        rabbitmq=rabbitmq.settings().model_copy(update={"vhost": vhost}),
        database=own_postgres.settings("learningdb").model_copy(update={"patience": 1}),
        worker=WorkerSettings(),
        course=CourseSettings(),
        output_dir=output_dir,
    )

    def stored_in(request_id: str, **fields: object) -> str:
        upstream.publish({"user_id": user_id, "request_id": request_id, "topic": "Cells", "num_lessons": 1, **fields})
        return str(upstream.result().fields["stored_in"])

    def until(look: Callable[[], object]) -> None:
        eventually(look, "it is so")

    def put_off() -> bool:
        files = (output_dir / ".files-only").glob("*/request.json")
        return any(json.loads(file.read_text())["postponements"] == 1 for file in files)

    async def serve() -> list[str]:
        worker = Worker(settings, Redactor(), (), no_twin)
        with touched_by_the_event_loop(output_dir) as touched:
            await worker.start()
            assert await asyncio.to_thread(stored_in, "r-1") == "database"
            await asyncio.to_thread(own_postgres.stop, "fast")
            assert await asyncio.to_thread(stored_in, "r-2") == "files"
            assert await asyncio.to_thread(stored_in, "r-2") == "files"  # from what is on disk
            upstream.request(user_id, request_id="r-4", num_lessons=1, source_filter="nothing/")
            await asyncio.to_thread(until, put_off)
            await worker.gauges()
            await asyncio.to_thread(own_postgres.start)
            failed = await asyncio.to_thread(upstream.result)
            assert failed.fields["error_code"] == "no_sources"  # from the database, where it went on
            await asyncio.to_thread(until, lambda: not unimported(tmp_path))
            assert await asyncio.to_thread(stored_in, "r-2") == "files"  # from what was imported
            assert await asyncio.to_thread(stored_in, "r-3") == "database"
            await worker.stop()
        return touched

    touched = asyncio.run(serve())
    assert not touched, "\n".join(touched)
    assert len(list(output_dir.glob("*/course.json"))) == 3
    assert own_psql.value("SELECT count(*) FROM courses WHERE status = 'READY'") == 3
