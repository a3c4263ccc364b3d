"""Courses that are written while the database is away: one folder each, until they are imported.

    <OUTPUT_DIR>/.files-only/<course id>/request.json, outline.json, lesson-1.json, …, calls-1.json, …, result.json

Every file is written whole. Who works on a course holds the lock of its folder: the fence of this mode. It falls with
its process, so a folder whose lock can be had is nobody's.

A lesson that can't be read, as of an earlier state of this program, is set aside as `lesson-1.json.unreadable`: it is
written again, and the calls that it took stay on record.
"""

import asyncio
import contextlib
import errno
import random
import shutil
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import structlog
from filelock import FileLock, Timeout
from pydantic import BaseModel, ValidationError

from src.domain.course import Claim
from src.domain.errors import LeaseLost, RequestIdConflict
from src.domain.files_course import (
    Calls,
    FilesCourse,
    RequestEntry,
    SavedLesson,
    SavedOutline,
    StoredResult,
    document,
)
from src.domain.finding import Finding
from src.domain.lesson import Lesson
from src.domain.model_call import ModelCall
from src.domain.outline import Outline
from src.domain.request import IdentifiedRequest, body_digest
from src.services.files.whole_files import sync_folder, write_whole

_log = structlog.get_logger(__name__)

M = TypeVar("M", bound=BaseModel)
R = TypeVar("R")

_ASIDE = ".unreadable"
_REDELIVERED_WITHIN = timedelta(hours=1)


class FilesStore:
    """A `CourseRecord` on disk. Writes wait for a disk that is full or away, as those of the database do for it."""

    def __init__(self, root: Path) -> None:
        """`root`: the folder of all courses' files."""
        self._root = root / ".files-only"
        self._locks: dict[UUID, FileLock] = {}
        self._leases: dict[UUID, UUID] = {}
        self._guard = threading.Lock()

    def has(self, course_id: UUID) -> bool:
        """Whether something of the course is here, as far as can be seen."""
        try:
            return (self._folder(course_id) / "request.json").exists()
        except OSError as error:
            _say_unreadable(error)
            return False

    def waiting(self) -> list[UUID]:
        """The courses that are here, as far as can be seen, the oldest first."""
        found = []
        try:
            for file in self._root.glob("*/request.json"):
                with contextlib.suppress(ValueError, FileNotFoundError):  # not ours, or imported just now
                    found.append((file.stat().st_mtime, UUID(file.parent.name)))
        except OSError as error:
            _say_unreadable(error)
        return [course_id for _, course_id in sorted(found)]

    def recognised(self, request: IdentifiedRequest, body: bytes, *, redelivered: bool) -> IdentifiedRequest:
        """`request`, with the id that was made up at the first delivery if it has none and this is not the first."""
        if request.id_given or not redelivered:
            return request
        wanted, since = body_digest(body), datetime.now(UTC) - _REDELIVERED_WITHIN
        for course_id in self.waiting():
            try:
                known = self._read(course_id, "request.json", RequestEntry)
            except (OSError, ValueError):
                continue  # the import says what is wrong with it
            if known and known.body_hash == wanted and known.received_at > since:
                return known.request
        return request

    async def begin(self, request: IdentifiedRequest, body: bytes) -> Claim | None:
        """An attempt at the course of `request`, new or left by another process. None: another process has it.

        Raises `RequestIdConflict` where the same id asked for something else, and `OSError`. After it, `release`.
        """
        return await asyncio.to_thread(self._begin, request, body)

    async def refund(self, claim: Claim) -> None:
        """The attempt doesn't count: the model was away, or this process stops."""
        entry = self._read(claim.course_id, "request.json", RequestEntry)
        if entry is not None:
            await self._save(claim, "request.json", entry.model_copy(update={"attempt": claim.attempt - 1}))

    async def release(self, course_id: UUID) -> None:
        """Ends an attempt of this process, or an import: others may have the course."""
        await asyncio.to_thread(self._unlock, course_id)

    async def lock(self, course_id: UUID) -> bool:
        """Keeps everybody else from the course, or says that somebody has it. After it, `release` or `forget`."""
        return await asyncio.to_thread(self._lock, course_id)

    async def save_outline(
        self, claim: Claim, outline: Outline, calls: Sequence[ModelCall], findings: Sequence[Finding] = ()
    ) -> None:
        """Keeps the outline."""
        saved = SavedOutline(attempt=claim.attempt, calls=list(calls), outline=outline, findings=tuple(findings))
        await self._save(claim, "outline.json", saved)

    async def save_lesson(self, claim: Claim, lesson: Lesson, calls: Sequence[ModelCall]) -> None:
        """Keeps a finished lesson."""
        saved = SavedLesson(attempt=claim.attempt, calls=list(calls), lesson=lesson, generated_at=datetime.now(UTC))
        await self._save(claim, f"lesson-{lesson.plan.lesson_number}.json", saved)

    async def saved_contents(self, claim: Claim) -> dict[int, dict[str, Any]]:
        """The `content_json` of every lesson that is saved, by its number."""
        course = await self.course(claim.course_id)
        lessons = course.lessons if course is not None else ()
        return {saved.lesson.plan.lesson_number: saved.lesson.content_json() for saved in lessons}

    async def save_calls(self, claim: Claim, calls: Sequence[ModelCall]) -> None:
        """Keeps the record of calls that led to nothing that was saved."""
        if calls:
            await self._save(claim, f"calls-{uuid4()}.json", Calls(attempt=claim.attempt, calls=list(calls)))

    async def save_result(self, claim: Claim, result: StoredResult) -> None:
        """Keeps how the course ended."""
        await self._save(claim, "result.json", result)

    async def course(self, course_id: UUID) -> FilesCourse | None:
        """What is on disk of a course. Raises `OSError` or `ValueError` where it can't be read."""
        return await asyncio.to_thread(self._course, course_id)

    async def document(self, course_id: UUID) -> dict[str, Any] | None:
        """A course with all of its lessons as `CourseStore.document` gives it, but for `output_path`; else None."""
        course = await self.course(course_id)
        return document(course) if course is not None and course.finished else None

    async def forget(self, course_id: UUID) -> None:
        """Takes the folder of an imported course away, and the lock with it."""

        def work() -> None:
            shutil.rmtree(self._folder(course_id), ignore_errors=True)
            self._unlock(course_id)

        await asyncio.to_thread(work)

    def _begin(self, request: IdentifiedRequest, body: bytes) -> Claim | None:
        course_id = request.course_id
        folder = self._folder(course_id)
        folder.mkdir(parents=True, exist_ok=True)
        if folder.is_symlink():
            # Somebody placed it there; it would lead the files out of the tree.
            raise NotADirectoryError(errno.ENOTDIR, "is a link, which is not followed", str(folder))
        if not self._lock(course_id):
            return None
        try:
            known = self._course(course_id)
            if known is not None and known.request.request_hash != request.request_hash:
                raise RequestIdConflict("request_id: was used before for a different request of this user")
            attempts = known.attempt if known else 0
            has_ended = known is not None and known.result is not None
            entry = RequestEntry(
                request=known.request if known else request,
                body_hash=known.body_hash if known else None if request.id_given else body_digest(body),
                received_at=known.received_at if known else datetime.now(UTC),
                attempt=attempts if has_ended else attempts + 1,
            )
            self._write(course_id, "request.json", entry)
        except BaseException:
            self._unlock(course_id)
            raise
        lease = self._leases[course_id] = uuid4()
        return Claim(
            course_id=course_id,
            lease_id=lease,
            attempt=entry.attempt,
            user_id=request.user_id,
            request_id=request.request_id,
            brief=request.brief,
            outline=known.outline if known else None,
            saved_lessons=frozenset(saved.lesson.plan.lesson_number for saved in known.lessons)
            if known
            else frozenset(),
            postponements=0,
            postponed_for=0.0,
            tokens=sum(max(call.budget_tokens, call.input_tokens + call.output_tokens) for _, call in known.calls)
            if known
            else 0,
        )

    def _course(self, course_id: UUID) -> FilesCourse | None:
        entry = self._read(course_id, "request.json", RequestEntry)
        if entry is None:
            return None
        outline = self._read(course_id, "outline.json", SavedOutline)
        folder = self._folder(course_id)
        lessons = [self._lesson(course_id, file.name) for file in folder.glob("lesson-*.json")]
        failed = [self._read(course_id, file.name, Calls) for file in folder.glob("calls-*.json")]
        aside = list(folder.glob(f"lesson-*.json{_ASIDE}"))
        failed += [self._calls_of(course_id, file.name) for file in aside]
        in_order = sorted(filter(None, lessons), key=lambda saved: saved.lesson.plan.lesson_number)
        steps: list[Calls | None] = [outline, *in_order, *failed]
        result = self._read(course_id, "result.json", StoredResult)
        if aside and result and result.message.status == "success":
            missing = outline is None or len(in_order) < len(outline.outline.lessons)
            # A success without all of its lessons is none: they are written again, and it is told under the same id.
            result = None if missing else result
        return FilesCourse(
            request=entry.request,
            body_hash=entry.body_hash,
            received_at=entry.received_at,
            attempt=entry.attempt,
            outline=outline.outline if outline else None,
            outline_findings=outline.findings if outline else (),
            lessons=tuple(in_order),
            calls=tuple((step.attempt, call) for step in steps if step for call in step.calls),
            result=result,
        )

    def _lesson(self, course_id: UUID, name: str) -> SavedLesson | None:
        try:
            return self._read(course_id, name, SavedLesson)
        except (ValidationError, UnicodeDecodeError) as error:
            # Whoever reads a course has its lock: nobody has put a better one in its place.
            file = self._folder(course_id) / name
            file.replace(file.with_name(name + _ASIDE))
            _log.warning(
                "a lesson on disk can't be read and is written again",
                action="lesson_set_aside",
                course_id=str(course_id),
                file=name + _ASIDE,
                error=f"{type(error).__name__}: {error}"[:500],
            )
            return None

    def _calls_of(self, course_id: UUID, name: str) -> Calls | None:
        try:
            return self._read(course_id, name, Calls)
        except (ValidationError, UnicodeDecodeError):
            return None

    async def _save(self, claim: Claim, name: str, content: BaseModel) -> None:
        def work() -> None:
            # Under the guard: an attempt that has ended can't write between the look and the file.
            with self._guard:
                if self._leases.get(claim.course_id) != claim.lease_id:
                    raise LeaseLost(f"attempt {claim.attempt} at course {claim.course_id} has ended")
                self._write(claim.course_id, name, content)

        await until_written(work)

    def _write(self, course_id: UUID, name: str, content: BaseModel) -> None:
        folder = self._folder(course_id)
        write_whole(folder / name, content.model_dump_json(indent=2))
        sync_folder(folder)

    def _read(self, course_id: UUID, name: str, kind: type[M]) -> M | None:
        try:
            text = (self._folder(course_id) / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        # The limit was kept when the request came in, and may have been changed since.
        return kind.model_validate_json(text, context={"max_lessons": 2**31})

    def _lock(self, course_id: UUID) -> bool:
        with self._guard:
            if course_id in self._locks:
                return False
            lock = FileLock(self._folder(course_id) / "lock", timeout=0, thread_local=False)
            try:
                lock.acquire()
            except (Timeout, FileNotFoundError):
                return False
            self._locks[course_id] = lock
            return True

    def _unlock(self, course_id: UUID) -> None:
        with self._guard:
            self._leases.pop(course_id, None)
            lock = self._locks.pop(course_id, None)
        if lock is not None:
            lock.release()

    def _folder(self, course_id: UUID) -> Path:
        return self._root / str(course_id)


def _say_unreadable(error: OSError) -> None:
    # Whoever asks goes on without: the database may be there, and what is on disk is not lost.
    _log.error("courses on disk can't be looked for", action="files_unreadable", error=str(error))


async def until_written(work: Callable[[], R]) -> R:
    """The result of `work`, run in a thread and again while the disk is full or away."""
    while True:
        try:
            return await asyncio.to_thread(work)
        except OSError as error:
            _log.error("files can't be written; the course waits", action="files_waiting", error=str(error))
            await asyncio.sleep(random.uniform(0.5, 2))
