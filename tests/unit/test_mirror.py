import errno
import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from src.domain.finding import soft
from src.domain.request import CourseBrief
from src.domain.stored_course import StoredCourse
from src.services.files.mirror import Mirror, MirrorError
from tests.lessons import PLAN, course, stored

ID = UUID("0a1b2c3d-0000-4000-8000-000000000000")
FOUND = {"gate": "alike_titles", "severity": "soft", "where": "lessons.2.title", "message": "says the same"}
WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def stored_course(**changes: Any) -> StoredCourse:
    fields = {
        "request_id": "r-1",
        "topic": "Cell Biology",
        "source_filter": "bio/",
        "outline": {"title": "Cells", "description": "D", "lessons": [PLAN]},
        "outline_findings": [soft(FOUND["gate"], FOUND["where"], FOUND["message"])],
        "sources": ["a.md"],
        "usage": {"calls": 2},
        "quality": {"checks": 3},
        "generated_at": WHEN,
    }
    lesson = stored().model_copy(update={"sources": ("a.md",), "quality": {"words": 190}, "generated_at": WHEN})
    return course(lesson, **{**fields, **changes})


def written(root: Path, **changes: Any) -> Path:
    mirror = Mirror(root)
    path, _ = mirror.output_paths(CourseBrief(topic="Cell Biology"), ID)
    assert path is not None
    mirror.write(stored_course(**changes))
    return Path(path)


def test_course_json_has_the_documented_shape(tmp_path: Path) -> None:
    folder = written(tmp_path / "courses")
    assert folder.name == "cell-biology-grade-8-0a1b2c3d"
    course = json.loads((folder / "course.json").read_text())
    names = {"title", "topic", "grade_level", "source_filter", "total_lessons", "generated_at"}
    assert names <= course["metadata"].keys()
    assert course["metadata"]["generated_at"] == "2026-01-02T03:04:05+00:00"
    assert course["outline"]["title"] == "Cells"
    assert course["outline_findings"] == [FOUND]
    (lesson,) = course["lessons"]
    assert lesson.keys() == {"lesson_info", "content", "sources", "generated_at", "quality", "origin"}
    assert lesson["origin"] == {"model": "a-model", "prompt_version": 7, "prompt_digest": "f" * 64}
    assert course["all_sources"] == ["a.md"]
    assert (folder / "course.md").read_text().startswith("# Cells\n")


def test_writing_again_replaces_both_files_and_leaves_nothing_else(tmp_path: Path) -> None:
    written(tmp_path)
    folder = written(tmp_path, title="Other")
    assert sorted(path.name for path in folder.iterdir()) == ["course.json", "course.md"]
    assert json.loads((folder / "course.json").read_text())["metadata"]["title"] == "Other"


def test_what_a_killed_predecessor_left_behind_is_removed(tmp_path: Path) -> None:
    folder = written(tmp_path)
    leftover = folder / ".course.json.0123456789ab.part"
    leftover.write_text("{half")
    written(tmp_path)
    assert leftover.exists()  # as young as this, it may be what another worker is writing right now
    os.utime(leftover, (0, 0))
    written(tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == ["course.json", "course.md"]


def test_while_a_file_is_written_readers_see_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = written(tmp_path)
    seen: list[str] = []

    def look(descriptor: int) -> None:
        seen.append(json.loads((folder / "course.json").read_text())["metadata"]["title"])

    monkeypatch.setattr(os, "fsync", look)
    written(tmp_path, title="Other")
    assert seen[0] == "Cells"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO])
def test_a_full_or_broken_disk_is_one_named_error_and_leaves_no_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    folder = written(tmp_path)

    def fail(_descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(MirrorError, match=os.strerror(code)):
        written(tmp_path, title="Other")
    assert sorted(path.name for path in folder.iterdir()) == ["course.json", "course.md"]
    assert json.loads((folder / "course.json").read_text())["metadata"]["title"] == "Cells"


def test_a_link_in_place_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    root = tmp_path / "courses"
    root.mkdir()
    (root / "cell-biology-grade-8-0a1b2c3d").symlink_to(outside)
    with pytest.raises(MirrorError, match="is a link"):
        written(root)
    assert list(outside.iterdir()) == []


def test_a_link_in_place_of_a_file_is_named_and_left(tmp_path: Path) -> None:
    outside = tmp_path / "outside.json"
    outside.write_text("mine")
    folder = tmp_path / "courses" / "cell-biology-grade-8-0a1b2c3d"
    folder.mkdir(parents=True)
    (folder / "course.json").symlink_to(outside)
    with pytest.raises(MirrorError, match=re.escape("course.json is no regular file; remove it")):
        written(tmp_path / "courses")
    assert outside.read_text() == "mine"
    assert (folder / "course.json").is_symlink()


def test_a_folder_that_becomes_a_link_while_it_is_written_leads_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (outside := tmp_path / "outside").mkdir()
    folder = tmp_path / "courses" / SHORT

    def swap(_descriptor: int) -> None:
        if not folder.is_symlink():
            folder.rename(tmp_path / "moved")
            folder.symlink_to(outside)

    monkeypatch.setattr(os, "fsync", swap)
    written(tmp_path / "courses")
    assert list(outside.iterdir()) == []
    assert sorted(path.name for path in (tmp_path / "moved").iterdir()) == ["course.json", "course.md"]


SHORT, LONG = "cell-biology-grade-8-0a1b2c3d", f"cell-biology-grade-8-{ID.hex}"


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("../../escaped", SHORT),
        ("/etc/escaped", SHORT),
        ("x/..", SHORT),
        (".", SHORT),
        ("y/.files-only", SHORT),
        (None, SHORT),
        (f"other/{LONG}", LONG),
    ],
)
def test_the_folder_follows_from_the_course_whatever_a_row_says(tmp_path: Path, path: str | None, folder: str) -> None:
    root = tmp_path / "courses"
    Mirror(root).write(stored_course(output_path=path))
    assert [each.name for each in root.iterdir()] == [folder]


def test_the_files_of_another_course_are_left(tmp_path: Path) -> None:
    (folder := tmp_path / SHORT).mkdir()
    (folder / "course.json").write_text(other := json.dumps({"metadata": {"course_id": str(uuid4())}}))
    with pytest.raises(MirrorError, match="has the files of another course"):
        written(tmp_path)
    assert (folder / "course.json").read_text() == other


def test_switched_off_it_names_no_folder_and_writes_nothing(tmp_path: Path) -> None:
    mirror = Mirror(None)
    assert mirror.output_paths(CourseBrief(topic="a"), ID) == (None, None)
    mirror.write(stored_course())
    assert not mirror.enabled
