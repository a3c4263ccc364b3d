"""Courses as files: `<OUTPUT_DIR>/<folder>/course.json` and `course.md`, rendered from the committed rows."""

import contextlib
import errno
import json
import os
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from src.domain.folder import folder_name
from src.domain.markdown import course_markdown
from src.services.crash_points import crash_point

# Longer than writing takes, shorter than the keeper waits before it writes what a killed worker owes.
_LEFTOVER_AGE = 20.0


class MirrorError(OSError):
    """The files couldn't be written; the course itself is safe in the database."""


class Mirror:
    """Writes courses below one root; without a root (FILES=off) nothing. A reader sees an old file or a new one."""

    def __init__(self, root: Path | None) -> None:
        self._root = root

    @property
    def enabled(self) -> bool:
        """Whether files are written."""
        return self._root is not None

    def output_paths(self, topic: str, grade_level: str, course_id: UUID) -> tuple[str, str] | tuple[None, None]:
        """The folder of a course, and the one to take where another course has that already."""
        if self._root is None:
            return None, None
        short = self._root / folder_name(topic, grade_level, course_id)
        long = self._root / folder_name(topic, grade_level, course_id, id_length=32)
        return short.as_posix(), long.as_posix()

    def write(self, output_path: str, document: Mapping[str, Any]) -> None:
        """Writes the course of `CourseStore.document` into its folder; again if it is there. Raises `MirrorError`."""
        if self._root is None:
            return
        course = course_json(document)
        folder = self._root / Path(output_path).name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if folder.is_symlink():
                # Somebody placed it there; it would lead the files out of the tree.
                raise NotADirectoryError(errno.ENOTDIR, "is a link, which is not followed")
            _replace(folder / "course.json", json.dumps(course, ensure_ascii=False, indent=2) + "\n")
            _replace(folder / "course.md", course_markdown(course))
            _sync_folder(folder)
        except OSError as error:
            raise MirrorError(f"{output_path}: {error.strerror or error}") from error


def course_json(document: Mapping[str, Any]) -> dict[str, Any]:
    """The shape of `course.json`."""
    return {
        "metadata": {
            "course_id": str(document["id"]),
            "user_id": str(document["user_id"]),
            "request_id": document["request_id"],
            "title": document["title"],
            "topic": document["topic"],
            "grade_level": document["grade_level"],
            "source_filter": document["source_filter"],
            "language": document["language"],
            "total_lessons": document["total_lessons"],
            "generated_at": document["generated_at"].isoformat(),
            "usage": document["usage"],
        },
        "outline": document["outline_json"] or {},
        "lessons": [_lesson_json(lesson) for lesson in document["lessons"]],
        "all_sources": document["sources"] or [],
    }


def _lesson_json(lesson: Mapping[str, Any]) -> dict[str, Any]:
    names = ("lesson_number", "title", "description", "key_concepts", "learning_objectives")
    return {
        "lesson_info": {name: lesson[name] for name in names},
        "content": lesson["content_json"],
        "sources": lesson["sources"] or [],
        "generated_at": lesson["generated_at"].isoformat(),
    }


def _replace(path: Path, text: str) -> None:
    """Puts `text` into place as a whole: a temporary file, synced, renamed over the name."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        # "x": never opens what is there already, be it a link. The rename replaces a link, it doesn't follow it.
        with temporary.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        crash_point("file_written")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
        _sweep(path)


def _sweep(path: Path) -> None:
    """Takes away what writers of `path` that were killed left behind. A young file may be another writer's."""
    for leftover in path.parent.glob(f".{path.name}.*.part"):
        with contextlib.suppress(FileNotFoundError):
            if leftover.lstat().st_mtime < time.time() - _LEFTOVER_AGE:
                leftover.unlink()


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return  # Windows can't open a folder; it keeps its names in a journal
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
