"""Courses as files: `<OUTPUT_DIR>/<folder>/course.json` and `course.md`, rendered from what is stored."""

import errno
import json
from pathlib import Path
from uuid import UUID

from src.domain.course_json import course_json
from src.domain.errors import OperatorError
from src.domain.folder import folder_name
from src.domain.markdown import course_markdown
from src.domain.request import CourseBrief
from src.domain.stored_course import StoredCourse
from src.services.files.whole_files import sync_folder, write_whole


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
        short = self._root / folder_name(brief.topic, brief.grade_level, course_id)
        long = self._root / folder_name(brief.topic, brief.grade_level, course_id, id_length=32)
        return short.as_posix(), long.as_posix()

    def course_in(self, output_path: str) -> str | None:
        """Returns the id of the course whose files are in a folder; None if there are none that can be read."""
        if self._root is None:
            return None
        try:
            course = json.loads((self._root / Path(output_path).name / "course.json").read_text(encoding="utf-8"))
            return str(course["metadata"]["course_id"])
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def write(self, output_path: str, course: StoredCourse) -> None:
        """Writes a course into its folder, over files that are there already. Raises `MirrorError`."""
        if self._root is None:
            return
        folder = self._root / Path(output_path).name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if folder.is_symlink():
                # Somebody placed it there; it would lead the files out of the tree.
                raise NotADirectoryError(errno.ENOTDIR, "is a link, which is not followed")
            write_whole(folder / "course.json", json.dumps(course_json(course), ensure_ascii=False, indent=2) + "\n")
            write_whole(folder / "course.md", course_markdown(course))
            sync_folder(folder)
        except OSError as error:
            raise MirrorError(f"{output_path}: {error.strerror or error}") from error
