"""The folder of a course that is written while the database is away.

    <OUTPUT_DIR>/.files-only/<course id>/request.json, outline.json, lesson-1.json, …, calls-1.json, …, result.json

Every file is written whole.

A lesson that can't be read, for example because an earlier version of this program wrote it, is set aside as
`lesson-1.json.unreadable`. It is written again, and the calls that it took stay on record.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import structlog
from pydantic import BaseModel, ValidationError

from src.domain.files_course import Calls, FilesCourse, RequestEntry, SavedLesson, SavedOutline, StoredResult
from src.services.folders import Folder

_log = structlog.get_logger(__name__)

M = TypeVar("M", bound=BaseModel)

_ASIDE = ".unreadable"
# A lesson with all of its calls has some 100 kB.
_MOST_BYTES = 16 * 1024 * 1024


@contextmanager
def courses_in(output_dir: Path, *, make: bool = False) -> Iterator[Folder]:
    """Opens the folder of all these courses, which no other user may look into: what users asked for is their business.

    Raises `OSError`, also if it is a link or another user's: somebody else has put it there.
    """
    with Folder.opened(output_dir, make=make) as output, output.folder(".files-only", make=make, mode=0o700) as courses:
        courses.keep_private()
        yield courses


class CourseFolder:
    """The folder of one course. Everything raises `OSError`, also if the folder is a link or another user's.

    Reading raises `ValueError` too, if a file is not as it was written.
    """

    def __init__(self, output_dir: Path, course_id: UUID) -> None:
        self._output_dir = output_dir
        self._name = str(course_id)

    def make(self) -> None:
        """Makes the folder if it isn't there."""
        with self._opened(make=True):
            pass

    def is_begun(self) -> bool:
        """Returns whether there is a course in the folder."""
        try:
            with self._opened() as folder:
                folder.status("request.json")
        except FileNotFoundError:
            return False
        return True

    def lock(self) -> int | None:
        """Locks the folder, see `Folder.lock`. Returns None also if it isn't there."""
        try:
            with self._opened() as folder:
                return folder.lock("lock")
        except FileNotFoundError:
            return None

    def request(self) -> RequestEntry | None:
        """Returns the request and how often its course was tried; None if there is no course."""
        return self._alone("request.json", RequestEntry)

    def result(self) -> StoredResult | None:
        """Returns how the course ended; None if it hasn't."""
        return self._alone("result.json", StoredResult)

    def course(self) -> FilesCourse | None:
        """Returns the whole course; None if there is none.

        The caller must hold the lock of the folder, because a lesson that can't be read is set aside.
        """
        try:
            with self._opened() as folder:
                return _course(folder)
        except FileNotFoundError:
            return None

    def write(self, name: str, content: BaseModel) -> None:
        """Writes a file of the folder, or replaces it."""
        with self._opened() as folder:
            folder.write(name, content.model_dump_json(indent=2))

    def remove(self) -> None:
        """Removes the folder, as far as that can be done."""
        with courses_in(self._output_dir) as courses:
            courses.remove_tree(self._name)

    @contextmanager
    def _opened(self, *, make: bool = False) -> Iterator[Folder]:
        with courses_in(self._output_dir, make=make) as courses, courses.folder(self._name, make=make) as folder:
            folder.keep_private()
            yield folder

    def _alone(self, name: str, kind: type[M]) -> M | None:
        try:
            with self._opened() as folder:
                return _read(folder, name, kind)
        except FileNotFoundError:
            return None


def _course(folder: Folder) -> FilesCourse | None:
    if (entry := _read(folder, "request.json", RequestEntry)) is None:
        return None
    names = [file.name for file in folder.entries()]
    outline = _read(folder, "outline.json", SavedOutline)
    lessons = [_lesson(folder, name) for name in names if fnmatch(name, "lesson-*.json")]
    failed = [_read(folder, name, Calls) for name in names if fnmatch(name, "calls-*.json")]
    aside = [file.name for file in folder.entries() if fnmatch(file.name, f"lesson-*.json{_ASIDE}")]
    failed += [_calls_of(folder, name) for name in aside]
    in_order = sorted(filter(None, lessons), key=lambda saved: saved.lesson.plan.lesson_number)
    steps: list[Calls | None] = [outline, *in_order, *failed]
    result = _read(folder, "result.json", StoredResult)
    if aside and result and result.message.status == "success":
        missing = outline is None or len(in_order) < len(outline.outline.lessons)
        # A success without all of its lessons is none: they are written again, and the new one has the same id.
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


def _lesson(folder: Folder, name: str) -> SavedLesson | None:
    try:
        return _read(folder, name, SavedLesson)
    except (ValidationError, UnicodeDecodeError) as error:
        # Nobody can have replaced the file meanwhile: whoever reads a course has its lock.
        folder.rename(name, name + _ASIDE)
        _log.warning(
            "a lesson on disk can't be read and is written again",
            action="lesson_set_aside",
            course_id=folder.path.name,
            file=name + _ASIDE,
            error=f"{type(error).__name__}: {error}"[:500],
        )
        return None


def _calls_of(folder: Folder, name: str) -> Calls | None:
    try:
        return _read(folder, name, Calls)
    except (ValidationError, UnicodeDecodeError):
        return None


def _read(folder: Folder, name: str, kind: type[M]) -> M | None:
    try:
        text = folder.read(name, _MOST_BYTES).decode()
    except FileNotFoundError:
        return None
    # The limit was checked when the request came in, and may have been lowered since.
    return kind.model_validate_json(text, context={"max_lessons": 2**31})
