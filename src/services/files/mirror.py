"""Courses as files: `<OUTPUT_DIR>/<folder>/course.json` and `course.md`, rendered from what is stored."""

import contextlib
import errno
import json
import stat
from pathlib import Path
from uuid import UUID

from src.domain.course_json import course_json
from src.domain.errors import OperatorError
from src.domain.folder import folder_name
from src.domain.markdown import course_markdown
from src.domain.request import CourseBrief
from src.domain.stored_course import StoredCourse
from src.services.folders import Folder

# Thirty of the longest lessons have a tenth of it.
_MOST_BYTES = 64 * 1024 * 1024


class MirrorError(OperatorError):
    """The files couldn't be written; the course itself is safe in the database."""


class Mirror:
    """Writes courses below one root, or nothing if that is None (FILES=off). A reader sees an old file or a new one."""

    def __init__(self, root: Path | None) -> None:
        self._root = root

    @property
    def enabled(self) -> bool:
        """Whether files are written."""
        return self._root is not None

    def output_paths(self, brief: CourseBrief, course_id: UUID) -> tuple[str, str] | tuple[None, None]:
        """Returns the folder of a course, and the one to take if another course has that already."""
        if self._root is None:
            return None, None
        short, long = _names(brief, course_id)
        return (self._root / short).as_posix(), (self._root / long).as_posix()

    def course_in(self, output_path: str) -> str | None:
        """Returns the id of the course whose files are in a folder; None if there are none that can be read."""
        if self._root is None:
            return None
        try:
            with Folder.opened(self._root) as root, root.folder(Path(output_path).name) as folder:
                return _course_in(folder)
        except OSError:
            return None

    def write(self, course: StoredCourse) -> None:
        """Writes a course into its folder, over files of it that are there already. Raises `MirrorError`.

        The folder follows from topic, grade and id. The course's `output_path`, which others may have written, only
        says which of the two that it may have.
        """
        if self._root is None:
            return
        short, long = _names(course, course.id)
        name = long if Path(course.output_path or "").name == long else short
        try:
            with Folder.opened(self._root, make=True) as root, root.folder(name, make=True) as folder:
                _check_own(folder, course.id)
                folder.write("course.json", json.dumps(course_json(course), ensure_ascii=False, indent=2) + "\n")
                folder.write("course.md", course_markdown(course))
        except OSError as error:
            raise MirrorError(f"{self._root / name}: {error.strerror or error}") from error


def _names(course: CourseBrief | StoredCourse, course_id: UUID) -> tuple[str, str]:
    return (
        folder_name(course.topic, course.grade_level, course_id),
        folder_name(course.topic, course.grade_level, course_id, id_length=32),
    )


def _course_in(folder: Folder) -> str | None:
    try:
        course = json.loads(folder.read("course.json", _MOST_BYTES))
        return str(course["metadata"]["course_id"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None


def _check_own(folder: Folder, course_id: UUID) -> None:
    """Raises `OSError` if what lies in a folder isn't this course's."""
    for name in ("course.json", "course.md"):
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISREG(folder.status(name).st_mode):
                raise OSError(errno.EEXIST, f"{name} is no regular file; remove it")
    if _course_in(folder) not in (None, str(course_id)):
        raise OSError(errno.EEXIST, "has the files of another course")
