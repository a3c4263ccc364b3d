import asyncio
import errno
import os
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
import structlog

from src.domain.course import Claim
from src.domain.errors import ErrorCode
from src.domain.files_course import RequestEntry, StoredResult
from src.domain.request import CourseRequest
from src.services.files.store import FilesStore
from tests.files_only import begun

REQUEST = CourseRequest(user_id=uuid4(), request_id="r-1", topic="Cells").completed(None, None)


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO, errno.ESTALE])
def test_a_folder_that_can_not_be_looked_into_holds_nothing_as_far_as_can_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """Fault 36: the database may be well, and its requests must not suffer."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, "no")

    files = FilesStore(tmp_path)
    monkeypatch.setattr(os, "open", refuse)
    assert not asyncio.run(files.has(REQUEST.course_id))
    assert asyncio.run(files.waiting()) == []
    anonymous = REQUEST.model_copy(update={"id_given": False})
    assert asyncio.run(files.recognised(anonymous, b"{}", redelivered=True)) == anonymous


def test_a_link_in_place_of_a_course_is_not_followed(tmp_path: Path) -> None:
    """Fault 46: the name is no secret, it follows from the request."""
    outside = tmp_path / "outside"
    outside.mkdir()
    files = FilesStore(tmp_path / "courses")
    place = tmp_path / "courses" / ".files-only" / str(REQUEST.course_id)
    place.parent.mkdir(parents=True)
    place.symlink_to(outside)
    with pytest.raises(NotADirectoryError, match="not followed"):
        files._begin(REQUEST, b"{}")
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize(
    "swapped",
    [".", ".files-only", f".files-only/{REQUEST.course_id}"],
    ids=["the folder of all files", "that of these courses", "that of the course"],
)
def test_a_folder_that_becomes_a_link_while_a_course_is_written_leads_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swapped: str
) -> None:
    """The link leads to folders of the same names, of another user or none."""
    outside, moved = tmp_path / "outside", tmp_path / "moved"
    (outside / ".files-only" / str(REQUEST.course_id)).mkdir(parents=True)
    before = sorted(outside.rglob("*"))
    place = tmp_path / "courses" / swapped

    def swap(_descriptor: int) -> None:
        if not place.is_symlink():
            place.rename(moved)
            place.symlink_to(outside / swapped)

    monkeypatch.setattr(os, "fsync", swap)
    assert isinstance(FilesStore(tmp_path / "courses")._begin(REQUEST, b"{}"), Claim)
    assert sorted(outside.rglob("*")) == before
    assert sorted(path.name for path in moved.rglob("*") if path.is_file()) == ["lock", "request.json"]


def test_the_folder_of_another_user_is_refused_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".files-only").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    files = FilesStore(tmp_path)
    with pytest.raises(PermissionError, match=r"belongs to user .* move the folder away"):
        asyncio.run(files.begin(REQUEST, b"{}"))
    with structlog.testing.capture_logs() as logged:
        assert asyncio.run(files.waiting()) == []
    assert [line["action"] for line in logged] == ["files_unreadable"]
    assert list((tmp_path / ".files-only").iterdir()) == []


def test_a_folder_of_ours_that_is_open_to_others_is_closed(tmp_path: Path) -> None:
    (tmp_path / ".files-only").mkdir()
    (tmp_path / ".files-only").chmod(0o777)
    asyncio.run(begun(FilesStore(tmp_path), REQUEST))
    for folder in (".files-only", f".files-only/{REQUEST.course_id}"):
        assert (tmp_path / folder).stat().st_mode & 0o777 == 0o700


def test_a_look_at_a_course_that_has_ended_is_no_attempt(tmp_path: Path) -> None:
    async def look() -> None:
        files = FilesStore(tmp_path)
        await begun(files, REQUEST)
        await files.unlock(REQUEST.course_id)
        claim = await begun(files, REQUEST)
        await files.fail(claim, ErrorCode.MODEL_REFUSED, "no", "no", ())
        for _ in range(2):
            await files.unlock(REQUEST.course_id)
            result = await files.begin(REQUEST, b"{}")
            assert isinstance(result, StoredResult) and result.message.message == "no"
        course = await files.course(REQUEST.course_id)
        assert course is not None and course.attempt == claim.attempt == 2

    asyncio.run(look())


def test_an_entry_of_an_earlier_version_was_never_postponed() -> None:
    now = datetime.now(UTC)
    entry = RequestEntry(request=REQUEST, body_hash=None, received_at=now, attempt=1)
    earlier = entry.model_dump_json(exclude={"postponements", "postponed_since"})
    assert RequestEntry.model_validate_json(earlier) == entry
    assert entry.postponed_for(now) == 0


def test_the_wait_counts_from_its_first_postponement_whatever_the_clock_says() -> None:
    first, later = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC)
    entry = RequestEntry(request=REQUEST, body_hash=None, received_at=first, attempt=1)
    for now in (first, later):
        entry = entry.released(now, refund=True, postponed=True).begun()
    assert (entry.attempt, entry.postponements, entry.postponed_for(later)) == (1, 2, 86400)
    assert entry.postponed_for(datetime(2026, 1, 1, tzinfo=UTC)) == 0  # it was put back
    ended = entry.released(later, refund=False, postponed=False)
    assert (ended.attempt, ended.postponements, ended.postponed_since) == (1, 0, None)
