"""Files-only mode with real files, model and generator, in this process: here tests choose what happens when."""

import asyncio
import errno
import json
import os
import re
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
import structlog

from src.config import OpenAISettings, Settings, WorkerSettings
from src.consumers.attempt import AttemptRunner
from src.consumers.database_watch import DatabaseWatch
from src.consumers.delivered_request import RequestRules
from src.consumers.files_only_attempt import FilesAttempt
from src.consumers.files_only_worker import FilesOnlyWorker
from src.consumers.model_breaker import ModelBreaker
from src.consumers.process_state import ProcessState, Slots
from src.domain.files_course import RequestEntry
from src.domain.quality.repair_choice import RepairChoice
from src.domain.redaction import Redactor
from src.domain.request import CourseRequest
from src.services.broker import publisher
from src.services.broker.announcer import Announcer
from src.services.broker.consumer import Delivery
from src.services.broker.publisher import Publication, Publisher
from src.services.broker.replies import ReplyPublisher
from src.services.course_generator import CourseGenerator
from src.services.database.connection import Database
from src.services.database.course_import import Import
from src.services.files.importer import FilesImport
from src.services.files.mirror import Mirror
from src.services.files.store import FilesStore
from src.services.folders import Folder
from src.services.model.language_model import OpenAIModel
from src.services.model.server import ModelServer
from src.services.sources.library import SourceLibrary
from src.services.sources.search import SearchWhileAway
from tests.sql import Psql
from tests.stand_in import StandIn
from tests.waiting import PATIENCE

USER = uuid4()
RULES = RequestRules.of(Settings(env_file=None))


@dataclass
class Broker:
    """Takes what is published, unless `takes` says no."""

    published: list[Publication] = field(default_factory=list)
    takes: str = "course"

    async def publish(self, publications: Sequence[Publication]) -> list[publisher.PublishResult]:
        taken = [publication for publication in publications if publication.type.startswith(self.takes)]
        self.published += taken
        return [
            publisher.PublishResult.CONFIRMED if publication in taken else publisher.PublishResult.REFUSED
            for publication in publications
        ]


@dataclass
class Watch:
    present: bool = False


@dataclass
class Here:
    """One worker with what it stands on, and what becomes of its messages."""

    worker: FilesOnlyWorker
    files: FilesStore
    broker: Broker
    watch: Watch
    state: ProcessState
    handed_back: list[Delivery]
    acknowledged: list[str] = field(default_factory=list)

    def delivery(self, name: str, body: bytes | None = None, **fields: Any) -> Delivery:
        request = {"request_id": "r-1", "user_id": str(USER), "topic": "Cells", "num_lessons": 1, **fields}
        return Delivery(
            body=json.dumps(request).encode() if body is None else body,
            routing_key="course.generate",
            message_id=None,
            correlation_id=None,
            reply_to=None,
            priority=None,
            redelivered=False,
            is_current=lambda: True,
            acknowledge=lambda: self.acknowledged.append(name),
        )

    async def until(self, look: Callable[[], object]) -> None:
        """Takes turns until `look` is true."""
        async with asyncio.timeout(PATIENCE):
            while not look():
                await self.worker.turn()
                await asyncio.sleep(0.01)

    def entry(self, delivery: Delivery) -> RequestEntry | None:
        """What is on disk of its request."""
        return self.files._folder(RULES.request(delivery).course_id).request()

    def make_due(self) -> None:
        """The time of what waits has come."""
        for waiting in self.worker._waiting:
            waiting.due = 0

    async def until_acknowledged(self, number: int) -> None:
        await self.until(lambda: len(self.acknowledged) >= number)


@asynccontextmanager
async def files_only(
    database: Database, stand_in: StandIn, folder: Path, grace: float = 25, **openai: Any
) -> AsyncIterator[Here]:
    settings = Settings(
        env_file=None,
        openai=OpenAISettings(base_url=stand_in.base_url, **openai),
        worker=WorkerSettings(grace=grace),
        output_dir=folder,
    )
    server = ModelServer(settings.openai)
    model = OpenAIModel(server, settings.openai, Redactor())
    files, broker, watch = FilesStore(folder), Broker(), Watch()
    state = ProcessState(Slots(settings.worker.slots), ModelBreaker(server.brake))
    handed_back: list[Delivery] = []
    reviews = ThreadPoolExecutor(1)
    search = SearchWhileAway(SourceLibrary(database), lambda: not watch.present, required=False)
    generator = CourseGenerator(model, search, files, lambda *_: None, None, "preferred", reviews, RepairChoice())
    announcer = Announcer(cast(Publisher, broker), cast(ReplyPublisher, broker), settings.rabbitmq)
    runner = AttemptRunner(generator, files, Mirror(folder), state.breaker, Redactor(), settings.course, state.shutdown)
    worker = FilesOnlyWorker(
        FilesAttempt(files, runner, announcer, state.shutdown),
        files,
        FilesImport(database, files),
        announcer,
        cast(DatabaseWatch, watch),
        handed_back.append,
        settings,
        state,
    )
    yield Here(worker, files, broker, watch, state, handed_back)
    state.shutdown.set()
    await worker.stop()
    await server.close()
    reviews.shutdown()


def test_the_same_request_that_comes_while_its_course_is_put_away_is_answered_and_acknowledged(
    database: Database, stand_in: StandIn, tmp_path: Path
) -> None:
    """Between the last look at who else wants the result, and the end of the attempt."""

    async def work() -> None:
        async with files_only(database, stand_in, tmp_path) as here:
            unlock = here.files.unlock

            async def comes_now(course_id: UUID) -> None:
                here.files.unlock = unlock  # type: ignore[method-assign]
                await here.worker.take(here.delivery("second"))
                await here.worker.turn()
                await unlock(course_id)

            here.files.unlock = comes_now  # type: ignore[method-assign]
            await here.worker.take(here.delivery("first"))
            await here.until_acknowledged(2)
            assert here.acknowledged == ["first", "second"]
            successes = [sent.message_id for sent in here.broker.published if sent.type == "course.success"]
            assert len(successes) == 2 and len(set(successes)) == 1

    asyncio.run(work())
    assert stand_in.stats()["calls"] == 2


@pytest.mark.parametrize("redelivered", [False, True])
def test_the_same_request_that_comes_before_its_result_is_confirmed_gets_one_of_its_own(
    database: Database, stand_in: StandIn, tmp_path: Path, redelivered: bool
) -> None:
    """Who publishes it may have seen the result already: the broker hands it on before it confirms it.

    A message that is only delivered again asks for nothing new.
    """

    async def work() -> None:
        async with files_only(database, stand_in, tmp_path) as here:
            publish = here.broker.publish

            async def confirmed_late(publications: Sequence[Publication]) -> list[publisher.PublishResult]:
                results = await publish(publications)
                if publications[0].type == "course.success":
                    here.broker.publish = publish  # type: ignore[method-assign]
                    await here.worker.take(replace(here.delivery("second"), redelivered=redelivered))
                    await here.worker.turn()
                return results

            here.broker.publish = confirmed_late  # type: ignore[method-assign]
            await here.worker.take(here.delivery("first"))
            await here.until_acknowledged(2)
            assert here.acknowledged == ["first", "second"]
            successes = [sent.message_id for sent in here.broker.published if sent.type == "course.success"]
            assert len(successes) == (1 if redelivered else 2) and len(set(successes)) == 1

    asyncio.run(work())
    assert stand_in.stats()["calls"] == 2


def test_a_refusal_that_nobody_takes_keeps_no_request_waiting(
    database: Database, stand_in: StandIn, tmp_path: Path
) -> None:
    async def work() -> None:
        async with files_only(database, stand_in, tmp_path) as here:
            here.broker.takes = "course.success"
            async with asyncio.timeout(PATIENCE):
                await here.worker.take(here.delivery("invalid", b"not a request"))
            here.broker.takes = "course."
            await here.worker.take(here.delivery("valid"))
            await here.until_acknowledged(2)

    asyncio.run(work())


def test_a_refusal_that_nobody_takes_is_left_to_the_next_delivery_of_its_message(
    database: Database, stand_in: StandIn, tmp_path: Path
) -> None:
    """Else each time that the broker comes back there would be one more answer to it."""

    async def work() -> None:
        async with files_only(database, stand_in, tmp_path) as here:
            here.broker.takes = "nothing"
            current = [True]
            stale = replace(here.delivery("stale", b"not a request"), is_current=lambda: current[0])
            await here.worker.take(stale)
            await asyncio.sleep(0)
            current[0] = False
            here.broker.takes = "course."
            await here.worker.take(here.delivery("again", b"not a request"))
            await here.until_acknowledged(1)
            await here.until(lambda: not here.worker._refusals._tasks)
            assert here.acknowledged == ["again"]
            assert sorted(sent.type for sent in here.broker.published) == ["course.error", "course.rejected"]

    asyncio.run(work())


def test_a_course_that_waits_for_the_broker_or_for_its_folder_takes_no_slot(
    database: Database, stand_in: StandIn, tmp_path: Path
) -> None:
    """The database may be back by then, and its courses must not wait for these."""

    async def work() -> None:
        async with files_only(database, stand_in, tmp_path) as here:
            here.broker.takes = "nothing"
            await here.worker.take(here.delivery("written"))
            await here.until(lambda: list(tmp_path.glob("*/course.md")) and here.worker.slots_in_use == 0)
            assert here.acknowledged == []

            link = here.delivery("link", request_id="r-2")
            (tmp_path / ".files-only" / str(RULES.request(link).course_id)).symlink_to(tmp_path)
            await here.worker.take(link)
            await here.worker.turn()
            assert here.worker.slots_in_use == 1
            await here.until(lambda: here.worker.slots_in_use == 0)
            here.watch.present = True
            await here.until(lambda: here.handed_back == [link])
            here.broker.takes = "course."
            await here.until_acknowledged(1)

    asyncio.run(work())


def test_a_request_whose_course_the_database_has_waits_for_it(
    database: Database, stand_in: StandIn, tmp_path: Path
) -> None:
    """Fault 21: as far as this process knows; nobody pays for its lessons again."""

    async def work() -> None:
        async with files_only(database, stand_in, tmp_path) as here:
            again = here.delivery("again")
            here.state.accepted.add(RULES.request(again).course_id)
            await here.worker.take(again)
            await here.worker.turn()
            assert (here.worker.slots_in_use, here.handed_back) == (0, [])
            here.watch.present = True
            await here.worker.turn()
            assert here.handed_back == [again]

    asyncio.run(work())
    assert stand_in.stats()["calls"] == 0


def test_the_same_id_for_something_else_is_a_conflict_and_each_is_answered_once(
    database: Database, stand_in: StandIn, tmp_path: Path
) -> None:
    async def work() -> None:
        async with files_only(database, stand_in, tmp_path) as here:
            await here.worker.take(here.delivery("first"))
            await here.until_acknowledged(1)
            await here.worker.take(here.delivery("other", topic="Stars"))
            await here.until_acknowledged(2)
            errors = [json.loads(sent.body) for sent in here.broker.published if sent.type == "course.error"]
            assert [error["error_code"] for error in errors] == ["request_id_conflict"]

    asyncio.run(work())


@pytest.mark.parametrize(("fault", "ends_as"), [(None, "success"), ("refusal", "error")])
def test_its_messages_are_field_by_field_those_that_the_database_makes_of_the_course(
    database: Database, stand_in: StandIn, psql: Psql, tmp_path: Path, fault: str | None, ends_as: str
) -> None:
    """Who reads them can't tell whether the database was there, and need not."""
    if fault is not None:
        stand_in.fault(fault, times=None)

    async def work() -> list[Publication]:
        async with files_only(database, stand_in, tmp_path) as here:
            await here.worker.take(here.delivery("first", topic="O'Neill's “कोशिका” %s"))
            await here.until_acknowledged(1)
        (course_id,) = await here.files.waiting()
        assert await FilesImport(database, here.files).run(course_id) is Import.DONE
        return here.broker.published

    published = asyncio.run(work())
    assert [sent.type for sent in published] == ["course.processing", f"course.{ends_as}"]
    for sent, as_it_is in zip(published, ('{"status": "GENERATING"}', "{}"), strict=True):
        psql.run(f"DELETE FROM outbox; SELECT put_status(jsonb_populate_record(c, '{as_it_is}')) FROM courses c")
        row = psql.row("SELECT type, correlation_id, message_id, convert_from(body, 'UTF8') AS body FROM outbox")
        assert (sent.type, sent.correlation_id) == (row["type"], row["correlation_id"])
        if sent.type == "course.success":
            assert sent.message_id == row["message_id"]
        composed, by_the_database = json.loads(sent.body), json.loads(row["body"])
        for message in (composed, by_the_database):
            assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", message.pop("timestamp"))
        if sent.type == "course.success":
            assert (composed.pop("stored_in"), by_the_database.pop("stored_in")) == ("files", "database")
        assert composed == by_the_database


@pytest.mark.parametrize(
    ("away", "code", "says"),
    [
        ("the model", "model_unavailable", "the model"),
        ("the sources", "internal", "the sources can't be searched"),
    ],
)
def test_what_is_away_for_too_long_fails_a_course_as_it_does_with_the_database(
    database: Database, stand_in: StandIn, tmp_path: Path, away: str, code: str, says: str
) -> None:
    """COURSE_MAX_WAIT, counted from the first time that the course was put off."""

    async def work() -> None:
        async with files_only(database, stand_in, tmp_path, timeout=0.01, deadline=0.01) as here:
            stand_in.fault("503", times=None)
            course = here.delivery("waits", source_filter="biology/" if away == "the sources" else None)
            await here.worker.take(course)

            def is_put_off(times: int) -> bool:
                entry = here.entry(course)
                return entry is not None and (entry.attempt, entry.postponements) == (0, times)

            for times in (1, 2):
                here.make_due()
                await here.until(partial(is_put_off, times))
                await here.until(lambda: not here.worker._running)
                assert here.acknowledged == []

            folder, entry = here.files._folder(RULES.request(course).course_id), here.entry(course)
            assert entry is not None and entry.postponed_since is not None
            yesterday = entry.postponed_since - timedelta(days=1)
            folder.write("request.json", entry.model_copy(update={"postponed_since": yesterday}))
            here.make_due()
            await here.until_acknowledged(1)
            failed = json.loads(here.broker.published[-1].body)
            assert (failed["status"], failed["error_code"], failed["retryable"]) == ("error", code, True)
            assert failed["message"].startswith(says)

    asyncio.run(work())


def test_a_stop_in_mid_course_waits_for_no_broker_and_costs_no_attempt(
    database: Database, stand_in: StandIn, tmp_path: Path
) -> None:
    """Fault 6."""

    async def work() -> None:
        async with files_only(database, stand_in, tmp_path, grace=0) as here:
            here.broker.takes = "nothing"
            stand_in.fault("hold", lesson=1)
            course = here.delivery("stopped")
            await here.worker.take(course)
            await here.worker.turn()
            await asyncio.to_thread(stand_in.wait_until_held)
            here.state.shutdown.set()
            await here.worker.stop()
            stand_in.release()
            entry = here.entry(course)
            assert entry is not None and entry.attempt == 0
            assert here.worker._running == {} and here.acknowledged == []
            assert await here.files.lock(RULES.request(course).course_id)

    asyncio.run(work())


def test_a_disk_that_takes_no_course_is_waited_for_by_those_that_are_written(
    database: Database, stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full, write_really = True, Folder.write

    def write(folder: Folder, name: str, text: str) -> None:
        if full and name == "course.json":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write_really(folder, name, text)

    monkeypatch.setattr(Folder, "write", write)

    async def work() -> None:
        nonlocal full
        async with files_only(database, stand_in, tmp_path) as here:
            with structlog.testing.capture_logs() as logged:
                await here.worker.take(here.delivery("written"))
                await here.until(lambda: "files_waiting" in [line.get("action") for line in logged])
            full = False
            await here.until_acknowledged(1)
            result = json.loads(here.broker.published[-1].body)
            assert (result["status"], result["output_path"]) == ("success", reader_folder(tmp_path).as_posix())

    asyncio.run(work())
    assert stand_in.stats()["calls"] == 2


@pytest.mark.parametrize("obstacle", ["file", "link"])
def test_a_folder_that_takes_no_files_ends_the_attempt_and_keeps_no_course_from_the_database(
    database: Database, stand_in: StandIn, psql: Psql, tmp_path: Path, obstacle: str
) -> None:
    """Fault 36: such a fault doesn't pass, and a course that waits for it keeps the import out."""
    in_the_way = reader_folder(tmp_path)
    if obstacle == "file":
        in_the_way.write_text("no folder")
    else:
        in_the_way.symlink_to(tmp_path)

    async def work() -> None:
        async with files_only(database, stand_in, tmp_path) as here:
            course = here.delivery("written")
            await here.worker.take(course)
            await here.until(lambda: here.worker._waiting and here.entry(course))
            entry = here.entry(course)
            assert entry is not None and entry.attempt == 1
            here.watch.present = True
            await here.until(lambda: here.handed_back == [course])
            imported = await FilesImport(database, here.files).run(RULES.request(course).course_id)
            assert imported is Import.DONE

    asyncio.run(work())
    assert psql.row("SELECT status, (SELECT count(*) FROM lessons) AS lessons FROM courses") == {
        "status": "QUEUED",
        "lessons": 1,
    }


def reader_folder(root: Path) -> Path:
    """The folder that the course of "r-1" is to have below `root`."""
    request = CourseRequest(user_id=USER, request_id="r-1", topic="Cells").completed(None, None)
    folder, _ = Mirror(root).output_paths(request, request.course_id)
    assert folder is not None
    return Path(folder)
