"""Courses that are written while the database is away: one folder each, until they are imported.

Whoever works on a course holds the lock of its folder, which is the fence of this mode. The lock falls with its
process, so nobody works in a folder whose lock is free.
"""

import asyncio
import contextlib
import errno
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import Enum, auto
from pathlib import Path
from typing import TypeVar
from uuid import UUID, uuid4

import structlog

from src.domain.course import Claim, Lease, StopKind
from src.domain.errors import ErrorCode, RequestIdConflict
from src.domain.files_course import (
    Calls,
    FilesCourse,
    RequestEntry,
    SavedLesson,
    SavedOutline,
    StoredResult,
    stored_course,
)
from src.domain.finding import Finding
from src.domain.lesson import Lesson
from src.domain.model_call import ModelCall
from src.domain.outline import Outline
from src.domain.request import RECOGNISED_WITHIN, IdentifiedRequest, body_digest
from src.domain.stored_course import StoredCourse, StoredLesson, stored_lesson
from src.services.files.course_folder import CourseFolder, courses_in
from src.services.files.course_locks import CourseLocks
from src.services.files.mirror import Mirror, MirrorError
from src.services.files.results import failure, success
from src.services.folders import Folder

_log = structlog.get_logger(__name__)

R = TypeVar("R")

# The disk as a whole is full or away: nothing else could be written to it either, not even that the attempt ended.
# EROFS is among them, as a kernel makes a disk read-only after a fault. What is wrong with one course's folder alone
# (ENOTDIR, EEXIST, EACCES, ELOOP, …) stays until somebody sees to it, and must not keep the course from the database.
_DISK_AWAY = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EIO,
        errno.EROFS,
        errno.ENOMEM,
        errno.EMFILE,
        errno.ENFILE,
        errno.ESTALE,
        errno.ETIMEDOUT,
        errno.ENOTCONN,
        errno.EHOSTDOWN,
    }
)


class NotBegun(Enum):
    """A reason why a course isn't begun with files only."""

    BUSY = auto()
    """Somebody else works on it."""
    KNOWN = auto()
    """Its files were written before. The database has it by now, and it alone knows the result."""


class FilesStore:
    """An `AttemptRecord` on disk. If the disk is full or away, writes wait, as they do in the database's record."""

    def __init__(self, root: Path) -> None:
        """`root`: the folder of all courses' files."""
        self._root = root
        self._mirror = Mirror(root)
        self._locks = CourseLocks(root)

    async def check(self) -> None:
        """Raises `OSError` if the folder of these courses can't be used, and says what to do. None need be there."""
        await asyncio.to_thread(self._ids)

    async def has(self, course_id: UUID) -> bool:
        """Returns whether the course is here; False also if the disk can't be read."""
        return await asyncio.to_thread(self._has, course_id)

    async def waiting(self) -> list[UUID]:
        """Returns the ids of the courses that are here, the oldest first; none if the disk fails."""
        return await asyncio.to_thread(self._waiting)

    async def recognised(self, request: IdentifiedRequest, body: bytes, *, redelivered: bool) -> IdentifiedRequest:
        """Returns `request`; if it came without id and was delivered before, with the id that was made up then."""
        if request.id_given or not redelivered:
            return request
        return await asyncio.to_thread(self._recognised, request, body)

    async def begin(self, request: IdentifiedRequest, body: bytes) -> Claim | StoredResult | NotBegun:
        """Begins an attempt at the course of `request`, or returns its result, or why none can begin.

        `body` is that of the request's message. Call `unlock` after the attempt. Raises `RequestIdConflict` if the same
        id asked for something else, and `OSError` or `ValueError` if what is on disk can't be used.
        """
        return await asyncio.to_thread(self._begin, request, body)

    async def lock(self, course_id: UUID) -> bool:
        """Keeps everybody else from the course until `unlock` or `forget`. Returns False if somebody else has it."""
        return await asyncio.to_thread(self._locks.lock, course_id)

    async def unlock(self, course_id: UUID) -> None:
        """Lets others have the course."""
        await asyncio.to_thread(self._locks.unlock, course_id)

    async def save_outline(
        self, claim: Claim, outline: Outline, calls: Sequence[ModelCall], findings: Sequence[Finding] = ()
    ) -> None:
        """Saves the outline."""
        saved = SavedOutline(attempt=claim.attempt, calls=list(calls), outline=outline, findings=tuple(findings))
        await self._fenced(claim, lambda: self._folder(claim.course_id).write("outline.json", saved))

    async def save_lesson(self, claim: Claim, lesson: Lesson, calls: Sequence[ModelCall]) -> None:
        """Saves a finished lesson."""
        saved = SavedLesson(attempt=claim.attempt, calls=list(calls), lesson=lesson, generated_at=datetime.now(UTC))
        name = f"lesson-{lesson.plan.lesson_number}.json"
        await self._fenced(claim, lambda: self._folder(claim.course_id).write(name, saved))

    async def stored_lessons(self, claim: Claim) -> list[StoredLesson]:
        """Returns the lessons that are saved, in order."""
        course = await self.course(claim.course_id)
        lessons = course.lessons if course is not None else ()
        return [stored_lesson(saved.lesson, saved.generated_at) for saved in lessons]

    async def finish(self, claim: Lease, output_path: str | None, long_output_path: str | None) -> None:
        """Writes the files that are for readers, and then the result.

        Raises `RuntimeError` if a lesson is missing, and `MirrorError` if something is wrong with the course's folder.
        """
        assert output_path is not None and long_output_path is not None  # this mode always has files
        course = await _until_written(self._folder(claim.course_id).course)
        if course is None or not course.finished:
            raise RuntimeError(f"course {claim.course_id} has not all of its lessons and can't be READY")
        written = stored_course(course)
        path = await _until_written(lambda: self._mirrored(claim.course_id, written, output_path, long_output_path))
        result = success(claim, written, path)
        await self._fenced(claim, lambda: self._folder(claim.course_id).write("result.json", result), ends=True)

    async def fail(self, claim: Lease, code: ErrorCode, message: str, reason: str, calls: Sequence[ModelCall]) -> None:
        """Saves the error as the result. The `reason` is only in the log."""
        result = failure(claim, code, message)
        await self._fenced(claim, lambda: self._folder(claim.course_id).write("result.json", result), calls, ends=True)

    async def release(
        self,
        claim: Lease,
        reason: str,
        calls: Sequence[ModelCall],
        *,
        delay: float = 0,
        refund: bool = False,
        postponed: bool = False,
        stop: StopKind | None = None,
    ) -> None:
        """Leaves the course to its next attempt.

        `reason` is only in the log; whoever holds the message waits for `delay` seconds. `refund`: the attempt doesn't
        count. `postponed`: the model or the sources were away. No other process is told of a `stop`.
        """

        folder = self._folder(claim.course_id)

        def work() -> None:
            if (entry := folder.request()) is not None:
                released = entry.released(datetime.now(UTC), refund=refund, postponed=postponed)
                folder.write("request.json", released)

        await self._fenced(claim, work, calls, ends=True)

    async def course(self, course_id: UUID) -> FilesCourse | None:
        """Returns a course from disk; None if it isn't there. Raises `OSError` or `ValueError` if it can't be read."""
        return await asyncio.to_thread(self._folder(course_id).course)

    async def result(self, course_id: UUID) -> StoredResult | None:
        """Returns how a course ended; None if it hasn't. Raises as `course` does."""
        return await asyncio.to_thread(self._folder(course_id).result)

    async def forget(self, course_id: UUID) -> None:
        """Removes the folder of an imported course, and its lock."""

        def work() -> None:
            try:
                with contextlib.suppress(OSError):
                    self._folder(course_id).remove()
            finally:
                self._locks.unlock(course_id)

        await asyncio.to_thread(work)

    def _has(self, course_id: UUID) -> bool:
        try:
            return self._folder(course_id).is_begun()
        except OSError as error:
            _say_unreadable(error)
            return False

    def _waiting(self) -> list[UUID]:
        try:
            return self._ids()
        except OSError as error:
            _say_unreadable(error)
            return []

    def _ids(self) -> list[UUID]:
        found = []
        try:
            with courses_in(self._root) as courses:
                for entry in courses.entries():
                    # Not ours, not begun, or imported just now.
                    with contextlib.suppress(ValueError, FileNotFoundError):
                        found.append((_begun_at(courses, entry.name), UUID(entry.name)))
        except FileNotFoundError:
            return []
        return [course_id for _, course_id in sorted(found)]

    def _recognised(self, request: IdentifiedRequest, body: bytes) -> IdentifiedRequest:
        wanted, since = body_digest(body), datetime.now(UTC) - RECOGNISED_WITHIN
        for course_id in self._waiting():
            try:
                known = self._folder(course_id).request()
            except (OSError, ValueError):
                continue  # the import says what is wrong with it
            if known and known.body_hash == wanted and known.received_at > since:
                return known.request
        return request

    def _begin(self, request: IdentifiedRequest, body: bytes) -> Claim | StoredResult | NotBegun:
        course_id = request.course_id
        paths = self._mirror.output_paths(request, course_id)
        if not self._has(course_id) and str(course_id) in (self._mirror.course_in(path) for path in paths if path):
            return NotBegun.KNOWN
        folder = self._folder(course_id)
        folder.make()
        if not self._locks.lock(course_id):
            return NotBegun.BUSY
        try:
            known = folder.course()
            if known is not None and known.request.request_hash != request.request_hash:
                raise RequestIdConflict("request_id: was used before for a different request of this user")
            if known is not None and known.result is not None:
                return known.result
            entry = folder.request() or RequestEntry(
                request=request,
                body_hash=None if request.id_given else body_digest(body),
                received_at=datetime.now(UTC),
                attempt=0,
            )
            entry = entry.begun()
            folder.write("request.json", entry)
        except BaseException:
            self._locks.unlock(course_id)
            raise
        return _claim(entry, known, self._locks.lease(course_id))

    async def _fenced(
        self, claim: Lease, work: Callable[[], None], calls: Sequence[ModelCall] = (), *, ends: bool = False
    ) -> None:
        """Runs `work` if the attempt hasn't ended, and saves `calls`, which led to nothing else that is saved."""
        name, record = f"calls-{uuid4()}.json", Calls(attempt=claim.attempt, calls=list(calls))

        def unit() -> None:
            with self._locks.held(claim, ends=ends):
                if calls:
                    self._folder(claim.course_id).write(name, record)
                work()

        await _until_written(unit)

    def _mirrored(self, course_id: UUID, written: StoredCourse, short: str, long: str) -> str:
        path = short if self._mirror.course_in(short) in (None, str(course_id)) else long
        try:
            self._mirror.write(written.model_copy(update={"output_path": path}))
        except MirrorError as error:
            fault = error.__cause__
            if isinstance(fault, OSError) and fault.errno in _DISK_AWAY:
                raise fault from None  # the caller waits for the disk
            raise
        return path

    def _folder(self, course_id: UUID) -> CourseFolder:
        return CourseFolder(self._root, course_id)


def _begun_at(courses: Folder, name: str) -> float:
    try:
        with courses.folder(name) as folder:
            return folder.status("request.json").st_mtime
    except FileNotFoundError:
        raise
    except OSError:
        return 0.0  # the import says what is wrong with it


def _claim(entry: RequestEntry, known: FilesCourse | None, lease_id: UUID) -> Claim:
    lessons = known.lessons if known else ()
    calls = known.calls if known else ()
    return Claim(
        course_id=entry.request.course_id,
        lease_id=lease_id,
        attempt=entry.attempt,
        user_id=entry.request.user_id,
        request_id=entry.request.request_id,
        brief=entry.request.brief,
        outline=known.outline if known else None,
        saved_lessons=frozenset(saved.lesson.plan.lesson_number for saved in lessons),
        postponements=entry.postponements,
        postponed_for=entry.postponed_for(datetime.now(UTC)),
        tokens=sum(max(call.budget_tokens, call.input_tokens + call.output_tokens) for _, call in calls),
    )


def _say_unreadable(error: OSError) -> None:
    # The caller goes on without them: the database may be there, and what is on disk is not lost.
    _log.error("courses on disk can't be looked for", action="files_unreadable", error=str(error))


async def _until_written(work: Callable[[], R]) -> R:
    """Runs `work` in a thread, again and again while the disk is full or away, and returns its result."""
    while True:
        try:
            return await asyncio.to_thread(work)
        except OSError as error:
            _log.error("files can't be written; the course waits", action="files_waiting", error=str(error))
            await asyncio.sleep(random.uniform(0.5, 2))
