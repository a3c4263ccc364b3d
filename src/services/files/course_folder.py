"""The folder of a course that is written while the database is away.

    <OUTPUT_DIR>/.files-only/<course id>/request.json, outline.json, lesson-1.json, …, calls-1.json, …, result.json

Every file is written whole.

A lesson that can't be read, for example because an earlier version of this program wrote it, is set aside as
`lesson-1.json.unreadable`. It is written again, and the calls that it took stay on record.
"""

import os
from pathlib import Path
from typing import TypeVar

import structlog
from pydantic import BaseModel, ValidationError

from src.domain.files_course import Calls, FilesCourse, RequestEntry, SavedLesson, SavedOutline, StoredResult
from src.services.files.whole_files import check_folder, sync_folder, write_whole
from src.services.regular_files import read_file

_log = structlog.get_logger(__name__)

M = TypeVar("M", bound=BaseModel)

_ASIDE = ".unreadable"
# A lesson with all of its calls has some 100 kB.
_MOST_BYTES = 16 * 1024 * 1024


class CourseFolder:
    """The folder of one course. Reading raises `OSError`, or `ValueError` if a file is not as it was written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def make(self) -> None:
        """Makes the folder if it isn't there. Raises `OSError`, also if it is a link."""
        check_folder(self.path.parent)
        # What users asked for is nobody else's business.
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.mkdir(exist_ok=True)
        check_folder(self.path)

    def is_begun(self) -> bool:
        """Returns whether there is a course in the folder."""
        return os.path.lexists(self.path / "request.json")

    def request(self) -> RequestEntry | None:
        """Returns the request and how often its course was tried; None if there is no course."""
        return self._read("request.json", RequestEntry)

    def result(self) -> StoredResult | None:
        """Returns how the course ended; None if it hasn't."""
        return self._read("result.json", StoredResult)

    def course(self) -> FilesCourse | None:
        """Returns the whole course; None if there is none.

        The caller must hold the lock of the folder, because a lesson that can't be read is set aside.
        """
        entry = self.request()
        if entry is None:
            return None
        outline = self._read("outline.json", SavedOutline)
        lessons = [self._lesson(file.name) for file in self.path.glob("lesson-*.json")]
        failed = [self._read(file.name, Calls) for file in self.path.glob("calls-*.json")]
        aside = list(self.path.glob(f"lesson-*.json{_ASIDE}"))
        failed += [self._calls_of(file.name) for file in aside]
        in_order = sorted(filter(None, lessons), key=lambda saved: saved.lesson.plan.lesson_number)
        steps: list[Calls | None] = [outline, *in_order, *failed]
        result = self.result()
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

    def write(self, name: str, content: BaseModel) -> None:
        """Writes a file of the folder, or replaces it. Raises `OSError`."""
        write_whole(self.path / name, content.model_dump_json(indent=2))
        sync_folder(self.path)

    def _lesson(self, name: str) -> SavedLesson | None:
        try:
            return self._read(name, SavedLesson)
        except (ValidationError, UnicodeDecodeError) as error:
            # Nobody can have replaced the file meanwhile: whoever reads a course has its lock.
            file = self.path / name
            file.replace(file.with_name(name + _ASIDE))
            _log.warning(
                "a lesson on disk can't be read and is written again",
                action="lesson_set_aside",
                course_id=self.path.name,
                file=name + _ASIDE,
                error=f"{type(error).__name__}: {error}"[:500],
            )
            return None

    def _calls_of(self, name: str) -> Calls | None:
        try:
            return self._read(name, Calls)
        except (ValidationError, UnicodeDecodeError):
            return None

    def _read(self, name: str, kind: type[M]) -> M | None:
        try:
            check_folder(self.path.parent)
            check_folder(self.path)
            text = read_file(self.path / name, _MOST_BYTES).decode()
        except FileNotFoundError:
            return None
        # The limit was checked when the request came in, and may have been lowered since.
        return kind.model_validate_json(text, context={"max_lessons": 2**31})
